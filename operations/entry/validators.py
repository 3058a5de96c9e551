"""The judged values as validators of columns and forms: what is wrong stands beside the field."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError

from operations.entry import values
from operations.errors import BadValue


def year_is_allowed(moment: datetime) -> None:
    """A date that is acted on. [C-2]"""
    try:
        values.within("", moment)
    except BadValue as refusal:
        raise ValidationError(sentence_of(refusal)) from refusal


def sentence_of(refusal: BadValue) -> str:
    """What is wrong, as it reads beside its field."""
    return refusal.problem[:1].upper() + refusal.problem[1:]
