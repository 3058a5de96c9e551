"""What the public pages of draws need beyond Django's own filters."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template

from operations import instants

register = template.Library()


@register.filter
def utc(moment: str | datetime | None) -> str:
    """A time, as the public JSON writes it or as a value: `18 January 2026, 12:00 UTC`."""
    if not moment:
        return ""
    at = instants.parse(moment) if isinstance(moment, str) else moment
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
