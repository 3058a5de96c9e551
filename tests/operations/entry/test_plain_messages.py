"""No form of the site leaves it at "Enter a valid value": each says what to type."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest
from django import forms
from django.contrib.admin.sites import site
from django.core.files.uploadedfile import SimpleUploadedFile

import campaigns
import console
import waves
from tests.support.people import member_of

VAGUE = re.compile(
    r"valid (?:value|choice|date|time|JSON|URL|UUID|list)|Ensure this|did not validate"
    r"|available choices|This field|cannot be (?:null|blank)|was submitted|already exists"
    r"|is violated|a list of values|a complete value"
)
CHOICES = [("one", "One")]


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        (forms.CharField(), "", "Enter a value."),
        (forms.CharField(max_length=3), "abcd", "Enter at most 3 characters. This has 4."),
        (forms.CharField(min_length=5), "abcd", "Enter at least 5 characters. This has 4."),
        (forms.IntegerField(), "ten", "Enter a whole number, such as 250."),
        (forms.IntegerField(min_value=0), "-1", "Enter 0 or more."),
        (forms.IntegerField(max_value=9), "10", "Enter 9 or less."),
        (forms.FloatField(), "nan", "Enter a number, such as 0.25."),
        (forms.DateField(), "soon", "Enter a date, such as 2026-01-18."),
        (forms.BooleanField(), "", "Tick this box."),
        (forms.EmailField(), "ann", "Enter an e-mail address, such as name@example.com."),
        (forms.JSONField(), "{", 'Enter JSON, such as {"key": "value"}.'),
        (forms.ChoiceField(choices=CHOICES), "", "Choose one of the entries in the list."),
        (forms.ChoiceField(choices=CHOICES), "two", "“two” is not in the list."),
        (forms.MultipleChoiceField(choices=CHOICES), ["two"], "“two” is not in the list."),
        (forms.FileField(), None, "Choose a file."),
        (forms.FileField(), SimpleUploadedFile("a", b""), "The file is empty. Choose"),
        (
            forms.FileField(max_length=3),
            SimpleUploadedFile("abcd", b"x"),
            "The name of the file has 4 characters. Rename it to at most 3.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, forms.Field) else None,
)
def test_each_kind_of_field_says_what_to_type(field, typed, said):
    with pytest.raises(forms.ValidationError) as refused:
        field.clean(typed)
    assert refused.value.messages[0].startswith(said)


@pytest.mark.django_db
def test_no_field_of_any_form_of_the_site_has_words_that_do_not_say_it(rf):
    vague = {
        (type(form).__name__, name, text)
        for form in _forms(rf)
        for name, field in form.fields.items()
        for text in _texts(field)
        if VAGUE.search(text)
    }
    assert vague == set()


def _texts(field: forms.Field) -> Iterator[str]:
    yield from (str(text) for text in field.error_messages.values())
    yield from (str(getattr(each, "message", "")) for each in field.validators)


def _forms(rf) -> Iterator[forms.BaseForm]:
    """Those of the lists and their inlines, and the fields of every form class of our own."""
    request = rf.get("/")
    request.user = member_of("administrator")
    for shown in site._registry.values():
        if shown.has_add_permission(request) or shown.has_change_permission(request):
            yield shown.get_form(request)()
            for formset, _ in shown.get_formsets_with_inlines(request):
                yield formset.form()
    for package in (campaigns, console, waves):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.rpartition(".")[2].endswith("forms"):
                yield from _classes(found.name)


def _classes(module: str) -> Iterator[forms.BaseForm]:
    for _, kind in inspect.getmembers(importlib.import_module(module), inspect.isclass):
        if issubclass(kind, forms.BaseForm) and kind.__module__ == module:
            shell = kind.__new__(kind)
            shell.fields = kind.base_fields
            yield shell
