"""How fast messages are sent, as lines: a point for each second, ten seconds, minute or longer.
[N-2, N-7]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.charts import svg
from console.charts.fairness import nice
from operations.plurals import plural

PLOT, AXIS = 96, 20  # pixels: the plot's height, and that of the words below it
MOST_POINTS: Final = 120
WIDTHS: Final = (1, 10, 60, 600, 3_600, 21_600, 86_400)  # seconds
RECENT: Final = 10  # seconds by which the present rate goes


@dataclass(frozen=True)
class Rates:
    """Messages per second of each channel in intervals of `width` seconds from `first` on."""

    first: int
    width: int
    of: Mapping[str, tuple[float, ...]]


def rates(by_second: Mapping[str, Mapping[int, int]], *, until: int | None) -> Rates | None:
    """`by_second`: of each channel how many messages were sent in which second of the Unix epoch.
    `until`, while sending goes on, is the first second that is not over: an interval that it cuts
    is left out, for it would look like a fall. None before anything was sent. Pure.
    """
    sent = [second for counts in by_second.values() for second in counts]
    if not sent:
        return None
    first = min(sent)
    seconds = max((until or max(sent) + 1) - first, 1)
    width = next((each for each in WIDTHS if seconds <= each * MOST_POINTS), WIDTHS[-1])
    points = max(seconds // width if until else -(-seconds // width), 1)
    found = {}
    for channel, counts in by_second.items():
        summed = [0] * points
        for second, number in counts.items():
            if (at := (second - first) // width) < points:
                summed[at] += number
        found[channel] = tuple(number / width for number in summed)
    return Rates(first, width, found)


def present_rate(counts: Mapping[int, int], *, until: int) -> float:
    """Messages per second in the last RECENT seconds before `until`, or since the first of them.
    Pure.
    """
    recent = {second: n for second, n in counts.items() if until - RECENT <= second < until}
    began = min(counts, default=until)
    seconds = min(RECENT, until - began)
    return sum(recent.values()) / seconds if seconds > 0 else 0.0


def line_chart(found: Rates, titles: Mapping[str, str], *, with_numbers: bool) -> SafeString:
    """A line for each channel that sent something; words say the same. `with_numbers`: a table
    under it, which somebody may have open (not under a picture that is drawn anew every moment).
    """
    tallest = max((max(rates) for rates in found.of.values()), default=0.0)
    shown = {channel: rates for channel, rates in found.of.items() if any(rates)}
    lines = format_html_join(
        "",
        '<polyline points="{}" class="fw-rate fw-rate-{}" vector-effect="non-scaling-stroke"/>',
        ((_points(rates, tallest), channel) for channel, rates in shown.items()),
    )
    drawn = format_html(
        '{}<svg width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>'
        '<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-middle"/>{}',
        _level(tallest),
        PLOT,
        svg.WIDTH,
        PLOT,
        lines,
        PLOT,
        PLOT,
        format_html_join("", '<text x="{}%" y="{}" class="{}">{}</text>', _ticks(found)),
    )
    key = format_html_join(
        "",
        '<li><svg width="22" height="8" aria-hidden="true"><line x1="0" x2="22" y1="4" y2="4"'
        ' class="fw-rate fw-rate-{}"/></svg>{}</li>',
        ((channel, titles[channel]) for channel in shown),
    )
    picture = svg.picture(
        drawn,
        PLOT + AXIS,
        ident="rate",
        title="Messages per second",
        meaning=_meaning(found, titles),
    )
    numbers = svg.numbers(svg.table(("Time (UTC)", "Messages per second"), _rows(found, titles)))
    return format_html(
        '<figure class="fw-figure">{}{}</figure><ul class="fw-legend">{}</ul>',
        picture,
        numbers if with_numbers else "",
        key,
    )


def _points(rates: tuple[float, ...], tallest: float) -> str:
    """One alone is drawn as a level line."""
    rates = rates * 2 if len(rates) == 1 else rates
    step = svg.WIDTH / (len(rates) - 1)
    return " ".join(f"{at * step:.1f},{_y(rate, tallest):.1f}" for at, rate in enumerate(rates))


def _y(rate: float, tallest: float) -> float:
    return PLOT - (PLOT - 8) * rate / tallest if tallest else PLOT


def _level(tallest: float) -> SafeString:
    """A line at a round number, and beside it which."""
    level = nice(tallest)
    if not level:
        return SafeString()
    y = f"{_y(level, tallest):.1f}"
    line = (
        '<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-line"/><text x="0" y="{}" dy="4"'
        ' class="fw-gutter">{}</text>'
    )
    return format_html(line, y, y, y, f"{level:g}" if level < 10_000 else f"{level / 1000:g}k")


def _ticks(found: Rates) -> Iterator[tuple[str, int, str, str]]:
    points = _length(found)
    for share, side in ((0.0, "fw-first"), (0.5, "fw-centre"), (1.0, "fw-last")):
        at = found.first + found.width * round(share * (points - 1))
        yield f"{100 * share:.0f}", PLOT + 14, side, _time(at, found)


def _length(found: Rates) -> int:
    return max(len(rates) for rates in found.of.values())


def _time(at: int, found: Rates) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    if found.width * _length(found) > 86_400:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment:%H:%M:%S}" if found.width < 60 else f"{moment:%H:%M}"


def _meaning(found: Rates, titles: Mapping[str, str]) -> str:
    each = "; ".join(
        f"{titles[channel]}: at most {max(rates):,.0f}, last {rates[-1]:,.0f}"
        for channel, rates in found.of.items()
        if any(rates)
    )
    return f"Messages per second, in intervals of {_interval(found.width)}. {each}."


def _interval(seconds: int) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return plural(seconds // size, unit)
    return plural(seconds, "second")


def _rows(found: Rates, titles: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for at in range(_length(found)):
        each = ", ".join(
            f"{titles[channel]} {rates[at]:,.1f}"
            for channel, rates in found.of.items()
            if any(rates)
        )
        yield _time(found.first + at * found.width, found), each
