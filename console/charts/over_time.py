"""Counts over time as lines, drawn on the server as SVG, with the same numbers in a table. [O-3]

Times run over the width in percent, so that a picture fits every screen. Lines differ in colour and
in their dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.charts import svg
from console.charts.demand import PLOT, short
from console.charts.fairness import nice

AXIS, WIDTH = 20, 1_000
TICKS = (0.0, 1 / 3, 2 / 3, 1.0)


class Reading(NamedTuple):
    """What was counted at `at`, by name, and was still the same at `until`."""

    at: datetime
    until: datetime
    counts: Mapping[str, int]


def lines(
    names: Mapping[str, str], readings: Sequence[Reading], *, ident: str, title: str
) -> SafeString:
    """A line for each of `names` (name → words), the oldest reading first; without one there is no
    picture.
    """
    if not readings:
        return format_html('<p class="fw-soft">{}: nothing was saved in this time.</p>', title)
    first, last = readings[0].at, max(each.until for each in readings)
    tallest = max(each.counts.get(name, 0) for each in readings for name in names)
    traces = format_html_join(
        "",
        '<polyline points="{}" class="fw-trace fw-trace-{}"><title>{}</title></polyline>',
        (
            (_points(readings, name, first, last, tallest), number, words)
            for number, (name, words) in enumerate(names.items())
        ),
    )
    plot = format_html(
        '<svg width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none"'
        ' overflow="visible">{}</svg>',
        PLOT,
        WIDTH,
        PLOT,
        traces,
    )
    ground = format_html('<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-middle"/>', PLOT, PLOT)
    axis = format_html_join("", '<text x="{}%" y="{}" class="{}">{}</text>', _ticks(first, last))
    return format_html(
        "{}{}",
        _legend(names, readings[-1]),
        svg.figure(
            format_html("{}{}{}{}", _line(tallest), ground, plot, axis),
            PLOT + AXIS,
            ident=ident,
            title=title,
            meaning=_meaning(names, readings[0], readings[-1]),
            table=_table(names, readings),
        ),
    )


def _points(
    readings: Sequence[Reading], name: str, first: datetime, last: datetime, tallest: int
) -> str:
    """A reading is a level piece; from one to the next the line slopes. One moment alone is level
    over the whole width: a point would not be seen.
    """
    span = (last - first).total_seconds()

    def at(moment: datetime, count: int) -> str:
        x = WIDTH * (moment - first).total_seconds() / span
        return f"{x:.1f},{PLOT - height(count, tallest):.1f}"

    if not span:
        y = PLOT - height(readings[-1].counts.get(name, 0), tallest)
        return f"0.0,{y:.1f} {WIDTH:.1f},{y:.1f}"

    return " ".join(
        at(moment, each.counts.get(name, 0)) for each in readings for moment in _ends(each)
    )


def _ends(reading: Reading) -> tuple[datetime, ...]:
    return (reading.at,) if reading.at == reading.until else (reading.at, reading.until)


def height(count: int, tallest: int) -> float:
    """Pixels above the ground; the tallest leaves room for its line."""
    return (PLOT - 8) * count / tallest if tallest else 0.0


def _line(tallest: int) -> SafeString:
    """A line at a round number, and beside it which."""
    count = int(nice(tallest))
    if not count:
        return SafeString()
    y = PLOT - height(count, tallest)
    return format_html(
        '<line x1="0" x2="100%" y1="{0}" y2="{0}" class="fw-line"/><text x="0" y="{1}"'
        ' class="fw-gutter">{2}</text>',
        f"{y:.1f}",
        f"{y + 4:.1f}",
        short(count),
    )


def _ticks(first: datetime, last: datetime) -> Iterator[tuple[str, int, str, str]]:
    """The first and the last time, and two between them: the hour where the span is short."""
    form = "%H:%M" if last - first < timedelta(days=2) else "%-d %b"
    for share in TICKS if last > first else TICKS[:1]:
        side = "fw-first" if share == 0 else "fw-last" if share == 1 else "fw-centre"
        moment = (first + (last - first) * share).astimezone(UTC)
        yield f"{100 * share:.2f}", PLOT + 14, side, f"{moment:{form}}"


def _legend(names: Mapping[str, str], newest: Reading) -> SafeString:
    items = format_html_join(
        "",
        '<li><svg width="24" height="10" aria-hidden="true"><line x1="0" x2="24" y1="5" y2="5"'
        ' class="fw-trace fw-trace-{}"/></svg>{} <b>{}</b></li>',
        (
            (number, words, f"{newest.counts.get(name, 0):,}")
            for number, (name, words) in enumerate(names.items())
        ),
    )
    return format_html('<ul class="fw-legend">{}</ul>', items)


def _meaning(names: Mapping[str, str], first: Reading, last: Reading) -> str:
    return "; ".join(
        f"{words}: {first.counts.get(name, 0):,} at {when(first.at)},"
        f" {last.counts.get(name, 0):,} at {when(last.until)}"
        for name, words in names.items()
    )


def when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M}"


def _table(names: Mapping[str, str], readings: Iterable[Reading]) -> SafeString:
    """The newest first. Times are UTC."""
    heads = format_html_join(
        "", '<th scope="col" class="fw-number">{}</th>', ((words,) for words in names.values())
    )
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                when(each.at),
                format_html_join(
                    "",
                    '<td class="fw-number" data-label="{}">{}</td>',
                    ((words, f"{each.counts.get(name, 0):,}") for name, words in names.items()),
                ),
            )
            for each in sorted(readings, key=lambda each: each.at, reverse=True)
        ),
    )
    return format_html(
        '<div class="fw-scroll fw-numbers" tabindex="0"><table class="fw-table fw-plain"><thead>'
        '<tr><th scope="col">From (UTC)</th>{}</tr></thead><tbody>{}</tbody></table></div>',
        heads,
        body,
    )
