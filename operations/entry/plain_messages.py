"""What forms say where Django's own words do not say what to type: one table for the whole site.

A field, a validator or a form that says more itself keeps its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core import validators
from django.db import models
from django.forms.formsets import BaseFormSet
from django.forms.models import InlineForeignKeyField

CHOOSE: Final = "Choose one of the entries in the list."
CHOOSE_SOME: Final = "Choose entries from the list."
DATE: Final = "Enter a date, such as 2026-01-18."
TIME: Final = "Enter a time, such as 12:00."
FILE: Final = "Choose a file."
TAKEN: Final = "This is used already. Enter a different one."
OPEN_AGAIN: Final = "This page is incomplete. Open it again, then make your changes."

FIELDS: Final[Mapping[type, Mapping[str, str]]] = {
    forms.Field: {"required": "Enter a value."},
    forms.IntegerField: {"invalid": "Enter a whole number, such as 250."},
    forms.FloatField: {"invalid": "Enter a number, such as 0.25."},
    forms.DecimalField: {"invalid": "Enter a number, such as 0.25."},
    forms.DateField: {"invalid": DATE},
    forms.TimeField: {"invalid": TIME},
    forms.DateTimeField: {"invalid": "Enter a date and a time, such as 2026-01-18 12:00."},
    forms.SplitDateTimeField: {"invalid_date": DATE, "invalid_time": TIME},
    forms.MultiValueField: {"invalid": "Fill in all boxes.", "incomplete": "Fill in all boxes."},
    forms.BooleanField: {"required": "Tick this box."},
    forms.FileField: {
        "required": FILE,
        "invalid": FILE,
        "missing": FILE,
        "empty": "The file is empty. Choose a different one.",
        "max_length": (
            "The name of the file has %(length)d characters. Rename it to at most %(max)d."
        ),
        "contradiction": "Choose a file or tick the box to remove it, not both.",
    },
    forms.URLField: {"invalid": "Enter an address, such as https://example.com."},
    forms.ChoiceField: {
        "required": CHOOSE,
        "invalid_choice": f"“%(value)s” is not in the list. {CHOOSE}",
    },
    forms.MultipleChoiceField: {
        "required": CHOOSE_SOME,
        "invalid_choice": f"“%(value)s” is not in the list. {CHOOSE_SOME}",
        "invalid_list": CHOOSE_SOME,
    },
    forms.ModelChoiceField: {"required": CHOOSE, "invalid_choice": CHOOSE},
    forms.ModelMultipleChoiceField: {
        "required": CHOOSE_SOME,
        "invalid_list": CHOOSE_SOME,
        "invalid_choice": CHOOSE_SOME,
        "invalid_pk_value": CHOOSE_SOME,
    },
    forms.UUIDField: {
        "invalid": "Enter 32 hex digits, such as 123e4567-e89b-12d3-a456-426614174000."
    },
    forms.JSONField: {"invalid": 'Enter JSON, such as {"key": "value"}.'},
    SimpleArrayField: {"item_invalid": "Entry %(nth)s:"},
    InlineForeignKeyField: {"invalid_choice": OPEN_AGAIN},
    BaseFormSet: {"missing_management_form": OPEN_AGAIN},
    models.Field: {
        "null": "Enter a value.",
        "blank": "Enter a value.",
        "unique": TAKEN,
    },
}
VALIDATORS: Final[Mapping[type, str]] = {
    validators.MinValueValidator: "Enter %(limit_value)s or more.",
    validators.MaxValueValidator: "Enter %(limit_value)s or less.",
    validators.MinLengthValidator: (
        "Enter at least %(limit_value)d characters. This has %(show_value)d."
    ),
    validators.MaxLengthValidator: (
        "Enter at most %(limit_value)d characters. This has %(show_value)d."
    ),
    validators.EmailValidator: "Enter an e-mail address, such as name@example.com.",
    validators.URLValidator: "Enter an address, such as https://example.com.",
    validators.ProhibitNullCharactersValidator: "Remove the NUL character from the text.",
}


def install() -> None:
    """Put the table in place of Django's words. Called once, when the apps are ready."""
    for kind, texts in FIELDS.items():
        kind.default_error_messages = {  # type: ignore[attr-defined]
            **vars(kind).get("default_error_messages", {}),
            **texts,
        }
    for validator, text in VALIDATORS.items():
        validator.message = text  # type: ignore[attr-defined]
