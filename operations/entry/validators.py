"""The judged values as validators of columns and forms: what is wrong stands beside the field."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError

from operations.entry import values
from operations.errors import BadValue


def year_is_allowed(moment: datetime) -> None:
    """A date that is acted on. [C-2]"""
    _in(moment, values.YEARS)


def notify_year_is_allowed(moment: datetime) -> None:
    """A date at which messages are sent. [C-2, K-2]"""
    _in(moment, values.NOTIFY_YEARS)


def _in(moment: datetime, years: range) -> None:
    try:
        values.within("", moment, years=years)
    except BadValue as refusal:
        raise ValidationError(refusal.problem[:1].upper() + refusal.problem[1:]) from refusal
