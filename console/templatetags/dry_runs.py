"""What the page of a dry run needs beyond the console's own tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django import template

from operations import instants

register = template.Library()


@register.filter
def total(counts: Mapping[str, int] | None) -> int:
    """All counts of a tally together."""
    return sum((counts or {}).values())


@register.filter
def tabs(text: str) -> str:
    """A row of a file as people can see it: its tabs drawn."""
    return text.replace("\t", " ⇥ ")


@register.filter
def instant(text: str) -> datetime | None:
    """An ISO 8601 time out of JSON."""
    return instants.parse(text) if text else None
