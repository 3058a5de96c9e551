"""What the pages of the lake draw: a shape for each state of a day, beside its word and colour."""

from __future__ import annotations

from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from console.lake.days import DayState
from console.lake.parity import sentence

register = template.Library()
register.filter("parity_sentence", sentence)
TONES: Final[dict[str, str]] = {
    DayState.REFUSED: "bad",
    DayState.LATE: "warn",
    DayState.MERGING: "info",
    DayState.FRAGMENTED: "info",
    DayState.MERGED: "good",
    DayState.ARCHIVED: "good",
    DayState.SAVED: "plain",
}
# each in a square of 12: four pieces, a triangle, an arrow into one, a cross, one block, one block
# in a box, a line
SHAPES: Final[dict[str, str]] = {
    DayState.FRAGMENTED: "M1 1h4v4H1zM7 1h4v4H7zM1 7h4v4H1zM7 7h4v4H7z",
    DayState.LATE: "M6 .8L11.6 11H.4z",
    DayState.MERGING: "M1 1h4v4H1zM1 7h4v4H1zM6 5h2V2.5L11.5 6L8 9.500V7H6z",
    DayState.REFUSED: "M2.5 1L6 4.500L9.500 1L11 2.500L7.500 6L11 9.500L9.500 11L6 7.500L2.500 11L1 9.500L4.500 6L1 2.500z",  # noqa: E501
    DayState.MERGED: "M1 1h10v10H1z",
    DayState.ARCHIVED: "M0 0h12v3H0zM1 4h10v8H1zM4 6v1.500h4V6z",
    DayState.SAVED: "M1 5h10v2H1z",
}


@register.simple_tag
def day_mark(state: str) -> SafeString:
    """The shape of a state; the word stands beside it, or in its cell's label."""
    if state not in SHAPES:
        return mark_safe("")
    return format_html(
        '<svg class="fw-mark fw-mark-{}" viewBox="0 0 12 12" width="12" height="12"'
        ' aria-hidden="true"><path fill-rule="evenodd" d="{}"/></svg>',
        TONES[state],
        SHAPES[state],
    )


@register.simple_tag
def day_state(state: str) -> SafeString:
    """A state as a badge with its shape."""
    return format_html(
        '<span class="fw-badge fw-{}">{} {}</span>',
        TONES.get(state, "plain"),
        day_mark(state),
        state,
    )
