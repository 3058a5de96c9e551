"""Bars drawn on the server as SVG; the table around them is their text. Nothing is drawn by
script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.words import words

WIDTH = 1000


def bars(
    counts: Mapping[str, int], total: int, caption: str, *, order: Sequence[str] = ()
) -> SafeString:
    """One row a name, longest first or in `order`: words, bar, count, share of `total`. The longest
    bar fills the cell.
    """
    names = [name for name in order if name in counts] or sorted(
        counts, key=lambda name: -counts[name]
    )
    longest = max(counts.values(), default=0)
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th><td class="fw-bar-cell">{}</td><td class="fw-number">{}</td>'
        '<td class="fw-number fw-share">{}</td></tr>',
        (
            (
                words(name),
                _bar([("fw-bar", _part(counts[name], longest))]),
                f"{counts[name]:,}",
                share(counts[name], total),
            )
            for name in names
        ),
    )
    return format_html(
        '<table class="fw-bars"><caption class="fw-hidden">{}</caption><tbody>{}</tbody></table>',
        caption,
        rows,
    )


def progress(parts: Iterable[tuple[str, int]], total: int, label: str) -> SafeString:
    """A progress bar of several parts: (tone, count) from the left. `label` says in words what it
    shows.
    """
    drawn = [(f"fw-bar-{tone}", _part(count, total)) for tone, count in parts]
    return format_html(
        '<div class="fw-progress" role="img" aria-label="{}">{}</div>', label, _bar(drawn)
    )


def figure(
    drawn: SafeString, height: int, *, ident: str, title: str, meaning: str, table: SafeString
) -> SafeString:
    """A picture as wide as there is room, with its title, its meaning in words, and its numbers to
    be opened below it.
    """
    return format_html(
        '<figure class="fw-figure">{}{}</figure>',
        picture(drawn, height, ident=ident, title=title, meaning=meaning),
        numbers(table),
    )


def picture(drawn: SafeString, height: int, *, ident: str, title: str, meaning: str) -> SafeString:
    """What was drawn, with its title and its meaning in words for who does not see it."""
    return format_html(
        '<svg width="100%" height="{}" role="img" aria-labelledby="{}-title {}-meaning"><title'
        ' id="{}-title">{}</title><desc id="{}-meaning">{}</desc>{}</svg>',
        height,
        ident,
        ident,
        ident,
        title,
        ident,
        meaning,
        drawn,
    )


def numbers(table: SafeString) -> SafeString:
    """The table of a picture, closed."""
    return format_html("<details><summary>The numbers</summary>{}</details>", table)


def table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> SafeString:
    """The numbers of a picture: what, and how many."""
    body = format_html_join(
        "", '<tr><th scope="row">{}</th><td class="fw-number">{}</td></tr>', rows
    )
    return format_html(
        '<div class="fw-scroll fw-numbers" tabindex="0"><table class="fw-table'
        ' fw-plain"><thead><tr><th scope="col">{}</th><th scope="col"'
        ' class="fw-number">{}</th></tr></thead><tbody>{}</tbody></table></div>',
        *heads,
        body,
    )


def share(count: int, total: int) -> str:
    """`4.2%`; blank of nothing."""
    return f"{100 * count / total:.1f}%" if total else ""


def _part(count: int, total: int) -> int:
    """Of WIDTH; at least a hair where there is one at all, so that nothing is hidden by its
    rarity.
    """
    return max(4, round(WIDTH * count / total)) if count and total else 0


def _bar(parts: Iterable[tuple[str, int]]) -> SafeString:
    rects, x = [], 0
    for tone, width in parts:
        rects.append((x, width, tone))
        x += width
    drawn = format_html_join("", '<rect x="{}" width="{}" height="10" class="{}"/>', rects)
    return format_html(
        '<svg viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="10" class="fw-track"/>{}</svg>',
        WIDTH,
        WIDTH,
        drawn,
    )
