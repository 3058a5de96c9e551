"""How many records of a type lie in the archive, day by day, as a picture with its numbers.
[BR-012]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.charts import svg
from console.charts.fairness import nice

PLOT, AXIS = 96, 20  # pixels: the plot's height, and that of the words below it


def volume(
    counts: Mapping[date, int], *, first: date, days: int, ident: str, title: str
) -> SafeString:
    """A bar for each of `days` days from `first`; a line to compare the heights with. Words and a
    table say the same.
    """
    tallest, slot = max(counts.values(), default=0), 100 / days
    bars = format_html_join(
        "",
        '<rect x="{}%" width="{}%" y="{}" height="{}" class="fw-bar"><title>{}</title></rect>',
        (
            (
                _at((day - first).days * slot + slot * 0.12),
                _at(slot * 0.76),
                PLOT - high,
                high,
                f"{_day(day)}: {records:,} records",
            )
            for day, records in sorted(counts.items())
            if (high := _height(records, tallest))
        ),
    )
    axis = format_html_join(
        "", '<text x="{}%" y="{}" class="{}">{}</text>', _ticks(first, days, slot)
    )
    ground = format_html('<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-middle"/>', PLOT, PLOT)
    rows = ((_day(day), f"{records:,}") for day, records in sorted(counts.items(), reverse=True))
    return svg.figure(
        format_html("{}{}{}{}", _line(tallest), bars, ground, axis),
        PLOT + AXIS,
        ident=ident,
        title=title,
        meaning=_meaning(counts, first, first + timedelta(days=days - 1)),
        table=svg.table(("Partition date", "Records"), rows),
    )


def _meaning(counts: Mapping[date, int], first: date, last: date) -> str:
    span = f"from {_day(first)} to {_day(last)}"
    if not counts:
        return f"No records {span}."
    busiest = max(counts, key=lambda day: counts[day])
    total = sum(counts.values())
    return (
        f"{total:,} records on {len(counts)} days {span}; most on {_day(busiest)}:"
        f" {counts[busiest]:,}."
    )


def _line(tallest: int) -> SafeString:
    """A line at a round number, and beside it which."""
    records = int(nice(tallest))
    if not records:
        return SafeString()
    y = PLOT - _height(records, tallest)
    line = (
        '<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-line"/><text x="0" y="{}"'
        ' class="fw-gutter">{}</text>'
    )
    return format_html(line, y, y, y + 4, short(records))


def _ticks(first: date, days: int, slot: float) -> Iterator[tuple[str, int, str, str]]:
    """The first and the last day, and two between them."""
    for at in (0, days // 3, 2 * days // 3, days - 1):
        side = "fw-first" if at == 0 else "fw-last" if at == days - 1 else "fw-centre"
        x = 0.0 if at == 0 else 100.0 if at == days - 1 else (at + 0.5) * slot
        yield _at(x), PLOT + 14, side, f"{first + timedelta(days=at):%-d %b}"


def _height(records: int, tallest: int) -> float:
    """Pixels, at least one where there is a record at all."""
    return max(1.0, round((PLOT - 8) * records / tallest, 1)) if records and tallest else 0.0


def short(records: int) -> str:
    """20000 → 20k: the gutter is narrow, and these numbers are round."""
    for size, name in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if records >= size:
            return f"{records // size}{name}"
    return str(records)


def _day(day: date) -> str:
    return f"{day.day} {day:%b} {day.year:04}"


def _at(number: float) -> str:
    return f"{number:.2f}"
