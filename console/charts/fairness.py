"""The pictures of a fairness report, drawn on the server as SVG. [X-3]

Widths are percentages and heights are pixels, so a picture fits every screen and its text stays as
large as the page's. Each has its title, its meaning in words, and the same numbers in a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaigns.draw import BANDS
from campaigns.fairness.distributions import normal_quantile
from campaigns.fairness.groups import BIN, FIRST_BIN
from campaigns.fairness.verdict import SHOWN_CELLS, USUAL, GroupTest, LuckTest
from console.charts import svg
from console.words import words

PLOT, AXIS = 130, 20  # pixels: a plot's height, and that of the words below it
ROW = 22
FULL_PERCENT = 100
STEPS = (1, 2, 5)
NUMBER = '<td class="fw-number">{}</td>'
FIGURES = ("Fans", "Selected", "Expected", "95% of fair draws", "Limits", "p, corrected")
LUCK_FIGURES = ("Fans", "chi-square p", "Kolmogorov–Smirnov p", "p, corrected")
DIAMOND = "M0,-6 L6,0 L0,6 L-6,0 Z"
NAMELESS = ("others", "not registered", "no address", "no country")
MARKS = {"fair": "fair", "look": "look for a fault", "none": "too few fans"}


def histogram(
    scores: Sequence[int], *, tallest: int, ident: str, title: str, meaning: str
) -> SafeString:
    """Fans by hundredth of a score from 0.22 to 1. Pictures that are to be compared are given the
    same `tallest`.
    """
    slot = FULL_PERCENT / len(scores)
    bars = format_html_join(
        "",
        '<rect x="{}%" width="{}%" y="{}" height="{}" class="fw-bar"><title>{}</title></rect>',
        (
            (
                _at(at * slot + slot * 0.1),
                _at(slot * 0.8),
                PLOT - high,
                high,
                f"{_bin(at)}: {fans:,} fans",
            )
            for at, fans in enumerate(scores)
            if (high := _height(fans, tallest))
        ),
    )
    axis = format_html_join("", '<text x="{}%" y="{}" class="{}">{}</text>', _score_ticks())
    drawn = format_html("{}{}{}{}", _bands(), _lines(tallest), bars, axis)
    table = svg.table(
        ("Score", "Fans"), ((_bin(at), f"{fans:,}") for at, fans in enumerate(scores) if fans)
    )
    return svg.figure(drawn, PLOT + AXIS, ident=ident, title=title, meaning=meaning, table=table)


def luck(test: LuckTest, *, ident: str) -> SafeString:
    """How many more or fewer fans than expected have each thirty-second of luck, before the range
    of 95% of fair draws.
    """
    expected = test["fans"] / SHOWN_CELLS
    usual = normal_quantile((1 + USUAL) / 2) * (expected * (1 - 1 / SHOWN_CELLS)) ** 0.5
    most = max(2.2 * usual, *(abs(fans - expected) for fans in test["cells"]), 1)
    middle = PLOT / 2
    slot = FULL_PERCENT / SHOWN_CELLS
    bars = format_html_join(
        "",
        '<rect x="{}%" width="{}%" y="{}" height="{}" class="fw-bar"><title>{}</title></rect>',
        (
            (
                _at(at * slot + slot * 0.15),
                _at(slot * 0.7),
                _at(middle - max(fans - expected, 0) / most * middle),
                _at(max(abs(fans - expected) / most * middle, 0.5)),
                (
                    f"luck {at / SHOWN_CELLS:.3f} to {(at + 1) / SHOWN_CELLS:.3f}: {fans:,} fans,"
                    f" {expected:,.1f} expected"
                ),
            )
            for at, fans in enumerate(test["cells"])
        ),
    )
    range_ = format_html(
        '<rect x="0" width="100%" y="{}" height="{}" class="fw-range"/>'
        '<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-middle"/>',
        _at(middle - usual / most * middle),
        _at(2 * usual / most * middle),
        middle,
        middle,
    )
    share = FULL_PERCENT * usual / expected if expected else 0.0
    ticks = (
        ("0", PLOT + 14, "fw-first", "least luck"),
        ("100", PLOT + 14, "fw-last", "most luck"),
        ("0", _at(middle - usual / most * middle + 4), "fw-gutter", f"+{share:.2g}%"),
        ("0", _at(middle + 4), "fw-gutter", "0"),
        ("0", _at(middle + usual / most * middle + 4), "fw-gutter", f"−{share:.2g}%"),
    )
    axis = format_html_join("", '<text x="{}%" y="{}" class="{}">{}</text>', ticks)
    low, high = min(test["cells"]), max(test["cells"])
    meaning = (
        f"{test['fans']:,} fans in {SHOWN_CELLS} equal ranges of luck: {low:,} to"
        f" {high:,}, {expected:,.1f} expected in each."
    )
    cells = (
        (f"{at / SHOWN_CELLS:.3f}–{(at + 1) / SHOWN_CELLS:.3f}", f"{fans:,}")
        for at, fans in enumerate(test["cells"])
    )
    table = svg.table(("Luck", "Fans"), cells)
    drawn = format_html("{}{}{}", range_, bars, axis)
    return svg.figure(
        drawn,
        PLOT + AXIS,
        ident=ident,
        title=f"Luck: {band_name(test)}",
        meaning=meaning,
        table=table,
    )


def groups(tests: Sequence[GroupTest], *, title: str, naming: str) -> SafeString:
    """A row a group: what was selected, beside where fair draws fall, as shares of what is
    expected.
    """
    reach = _reach(tests)
    rows = (
        (
            test["verdict"],
            _named(test),
            format_html(
                '<td class="fw-plot">{}</td><td>{}</td>',
                _interval(test, reach),
                _mark(test["verdict"]),
            ),
        )
        for test in tests
    )
    heads = format_html(
        '<th scope="col" class="fw-plot">{}</th><th scope="col">Verdict</th>', _scale(reach)
    )
    return _table(rows, heads, title=title, naming=naming)


def figures(tests: Sequence[GroupTest], *, title: str, naming: str) -> SafeString:
    """The numbers behind the pictures of the groups."""
    rows = (
        (
            test["verdict"],
            _named(test),
            format_html(
                NUMBER * len(FIGURES),
                f"{test['fans']:,}",
                f"{test['selected']:,}",
                f"{test['expected']:,.1f}",
                f"{test['low']:,}–{test['high']:,}",
                *_limits(test),
            ),
        )
        for test in tests
    )
    heads = format_html_join(
        "", '<th scope="col" class="fw-number">{}</th>', ((head,) for head in FIGURES)
    )
    return _table(rows, heads, title=title, naming=naming)


def luck_figures(tests: Sequence[LuckTest]) -> SafeString:
    """The numbers behind the pictures of luck."""
    rows = (
        (test["verdict"], band_name(test), format_html(NUMBER * len(LUCK_FIGURES), *_of_luck(test)))
        for test in tests
    )
    heads = format_html_join(
        "", '<th scope="col" class="fw-number">{}</th>', ((head,) for head in LUCK_FIGURES)
    )
    return _table(rows, heads, title="Tests of luck", naming="Band")


def band_name(test: LuckTest) -> str:
    return "All bands" if test["band"] == "all" else words(test["band"])


def shown_p(p: float) -> str:
    """A chance as a person reads it: `0.042`, `< 0.0001`."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def nice(number: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50 … (and 0.1 …) that is not above `number`; 0 for what is
    not above 0.
    """
    if number <= 0:
        return 0.0
    size = 10.0 ** next(power for power in count(-6) if 10.0 ** (power + 1) > number)
    return max(step * size for step in STEPS if step * size <= number)


def _table(
    rows: Iterable[tuple[str, str, SafeString]], heads: SafeString, *, title: str, naming: str
) -> SafeString:
    """(verdict, name, cells) a row."""
    return format_html(
        '<table class="fw-table fw-plain fw-groups"><caption class="fw-hidden">{}</caption>'
        '<thead><tr><th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody></table>',
        title,
        naming,
        heads,
        format_html_join("", '<tr class="fw-row-{}"><th scope="row">{}</th>{}</tr>', rows),
    )


def _named(test: GroupTest) -> str:
    return words(test["name"]) if test["name"] in NAMELESS else test["name"]


def _limits(test: GroupTest) -> tuple[str, str]:
    if test["verdict"] == "none":
        return "–", "–"
    return f"{test['least']:,}–{test['most']:,}", shown_p(test["corrected_p"])


def _of_luck(test: LuckTest) -> tuple[str, ...]:
    if test["verdict"] == "none":
        return f"{test['fans']:,}", "–", "–", "–"
    names = ("chi_square_p", "distance_p", "corrected_p")
    return f"{test['fans']:,}", *(shown_p(test[name]) for name in names)  # type: ignore[literal-required]


def _mark(verdict: str) -> SafeString:
    tone = {"fair": "good", "look": "bad"}.get(verdict, "plain")
    return format_html('<span class="fw-badge fw-{}">{}</span>', tone, MARKS[verdict])


def _reach(tests: Sequence[GroupTest]) -> float:
    """How far the scale goes to each side, as a share of what is expected; what lies beyond is
    drawn at its end.
    """
    judged = [test for test in tests if test["verdict"] != "none"]
    sides = [
        abs(test[end] / test["expected"] - 1)
        for test in judged
        for end in ("low", "high", "selected")
    ]
    return min(1.0, max(sides, default=0.2) * 1.15)


def _interval(test: GroupTest, reach: float) -> SafeString:
    label = (
        f"{test['name']}: {test['selected']:,} selected, {test['expected']:,.1f} expected,"
        f" {MARKS[test['verdict']]}"
    )
    if not test["expected"]:
        return format_html(
            '<svg width="100%" height="{}" role="img"><title>{}</title></svg>', ROW, label
        )
    names = ("low", "high", "least", "most", "selected")
    low, high, least, most, selected = (
        _place(test[name] / test["expected"] - 1, reach)  # type: ignore[literal-required]
        for name in names
    )
    limits = format_html(
        '<line x1="{}%" x2="{}%" y1="11" y2="11" class="fw-limits"/>', _at(least), _at(most)
    )
    usual = format_html(
        '<rect x="{}%" width="{}%" y="7" height="8" rx="4" class="fw-range"/>',
        _at(low),
        _at(high - low),
    )
    shape = (
        format_html('<path d="{}" class="fw-found"/>', DIAMOND)
        if test["verdict"] == "look"
        else format_html('<circle r="4" class="fw-dot fw-dot-{}"/>', test["verdict"])
    )
    return format_html(
        '<svg width="100%" height="{}" role="img"><title>{}</title>'
        '<line x1="50%" x2="50%" y1="0" y2="{}" class="fw-middle"/>{}{}'
        '<svg x="{}%" y="11" overflow="visible">{}</svg></svg>',
        ROW,
        label,
        ROW,
        limits if test["verdict"] != "none" else "",
        usual if test["verdict"] != "none" else "",
        _at(selected),
        shape,
    )


def _place(share: float, reach: float) -> float:
    """A share more or fewer than expected → percent of the width."""
    return 50 + 50 * max(-1.0, min(1.0, share / reach))


def _scale(reach: float) -> SafeString:
    step = nice(reach * 0.8)
    ticks = (
        (_at(_place(-step, reach)), f"−{step * FULL_PERCENT:g}%"),
        ("50.00", "0"),
        (_at(_place(step, reach)), f"+{step * FULL_PERCENT:g}%"),
    )
    texts = format_html_join("", '<text x="{}%" y="13">{}</text>', ticks)
    return format_html(
        '<svg width="100%" height="18" class="fw-scale" aria-hidden="true">{}</svg>', texts
    )


def _bands() -> SafeString:
    """Each band's ground and name."""
    first = FIRST_BIN * BIN
    places = [
        (
            _at(FULL_PERCENT * (band.low - first) / (1 - first)),
            _at(FULL_PERCENT * (band.high - band.low) / (1 - first)),
            band.name,
        )
        for band in BANDS
    ]
    grounds = format_html_join(
        "",
        '<rect x="{}%" width="{}%" y="0" height="{}" class="fw-band fw-band-{}"/>',
        ((x, width, PLOT, name) for x, width, name in places),
    )
    names = format_html_join(
        "",
        '<svg x="{}%" width="{}%" y="0" height="16" overflow="visible"><text x="50%"'
        ' y="12">{}</text></svg>',
        ((x, width, name) for x, width, name in places),
    )
    return format_html("{}{}", grounds, names)


def _lines(tallest: int) -> SafeString:
    """One line to compare heights with, and beside it how many fans it represents."""
    fans = nice(tallest)
    y = PLOT - _height(int(fans), tallest)
    line = (
        '<line x1="0" x2="100%" y1="{}" y2="{}" class="fw-line"/><text x="0" y="{}"'
        ' class="fw-gutter">{}</text>'
    )
    return format_html(line, y, y, y + 4, f"{int(fans):,}") if fans >= 1 else format_html("")


def _score_ticks() -> Iterable[tuple[str, int, str, str]]:
    first = FIRST_BIN * BIN
    for score in (0.22, 0.4, 0.6, 0.8, 1.0):
        side = "fw-first" if score == first else "fw-last" if score == 1 else "fw-centre"
        yield _at(FULL_PERCENT * (score - first) / (1 - first)), PLOT + 14, side, f"{score:g}"


def _bin(at: int) -> str:
    low = (FIRST_BIN + at) * BIN
    return f"{low:.2f}–{low + BIN:.2f}"


def _height(fans: int, tallest: int) -> float:
    """Pixels, at least one where there is anybody; the names of the bands stand above the
    tallest.
    """
    return max(1.0, round((PLOT - 34) * fans / tallest, 1)) if fans and tallest else 0.0


def _at(number: float) -> str:
    return f"{number:.2f}"
