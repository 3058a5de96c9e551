"""Dates and times that people type and read as the clocks of one time zone show them: a
campaign's. [C-1]
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from operations import instants
from operations.entry import wall_clock
from operations.entry.validators import sentence_of
from operations.entry.values import YEARS
from operations.errors import BadValue

FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
NOT_A_TIME = "Enter a date and a time, such as 2026-01-18 12:00, without a time zone."


class WallClockInput(UnfoldAdminTextInputWidget):
    """The browser's own calendar and clock, in the looks of the theme's forms."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"type": "datetime-local", **(attrs or {})})


class WallClockField(forms.DateTimeField):
    """What is typed is the clock of the zone that `use_zone` names; the value is an instant in
    UTC. What comes back as it was shown is the instant as it was, fractions of seconds and all.
    """

    widget = WallClockInput

    def __init__(self, *, years: range = YEARS, **options: Any) -> None:
        self.years = years
        super().__init__(**options)
        self.zone = self.shown_zone = ZoneInfo("UTC")
        self.shown: datetime | None = None

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        there = value.astimezone(self.shown_zone)
        return f"{there:%Y-%m-%dT%H:%M:%S}" if there.second else f"{there:%Y-%m-%dT%H:%M}"

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        text = str(value).strip()
        if self.zone == self.shown_zone and text == self.prepare_value(self.shown):
            return self.shown
        try:
            return wall_clock.instant_of("", _parsed(text), self.zone, years=self.years)
        except BadValue as refusal:
            raise ValidationError(sentence_of(refusal)) from refusal

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "max": f"{self.years[-1]}-12-31T23:59"}


def use_zone(
    form: forms.BaseForm, typed: ZoneInfo, *, shown: ZoneInfo | None = None, named: str = ""
) -> None:
    """Let the form's wall clocks be those of a zone, and say so beside each. `shown` is the zone in
    which the page showed them, where the same form changes the zone; `named`, how the zone is
    named where it is still to be typed.
    """
    in_words = "UTC" if typed.key == "UTC" else f"{wall_clock.place(typed)} time ({typed.key})"
    for name, field in form.fields.items():
        if isinstance(field, WallClockField):
            field.zone, field.shown_zone = typed, shown or typed
            field.shown = form.initial.get(name, field.initial)
            hint = field.help_text.rstrip(".")
            field.help_text = f"{hint}. {named or in_words}" if hint else named or in_words


def there(value: datetime, zone: str) -> str:
    """`Wed 21 Jan 2026, 13:00 New York`: the time as the clocks of one time zone show it."""
    where = "UTC" if zone == "UTC" else wall_clock.place(ZoneInfo(zone))
    return f"{value.astimezone(ZoneInfo(zone)):%a %-d %b %Y, %H:%M} {where}"


def _parsed(text: str) -> datetime:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 the zone is the form's
        except ValueError:
            continue
    raise ValidationError(NOT_A_TIME)


def moment(value: datetime | None, zone: str = "UTC") -> SafeString | str:
    """The time in UTC and, if different, in the campaign's time zone: no one has to compute it at
    night.
    """
    if value is None:
        return "–"
    here = value.astimezone(ZoneInfo("UTC"))
    text, elsewhere = instants.in_words(value), ""
    if zone not in ("UTC", ""):
        there = value.astimezone(ZoneInfo(zone))
        day = "" if there.date() == here.date() else f"{there:%-d %b} "
        elsewhere = f"({day}{there:%H:%M} {wall_clock.place(ZoneInfo(zone))})"
    shown = format_html("{} <span>{}</span>", text, elsewhere) if elsewhere else text
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)
