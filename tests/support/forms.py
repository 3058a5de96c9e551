"""An edit form as a browser would send it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.db.models import Model
from django.forms import BaseForm
from django.test import Client, RequestFactory


def form_of(client: Client, address: str) -> dict[str, Any]:
    """Every field of the form and its formsets at this address, with the value that it shows."""
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    assert address.endswith("/add/") or b'name="as_read"' in page.content
    data = _values(page.context["adminform"].form)
    for inline in page.context["inline_admin_formsets"]:
        for form in [inline.formset.management_form, *inline.formset.initial_forms]:
            data |= _values(form)
    return data


def read_by(user: User, row: Model) -> dict[str, Any]:
    """The same without a browser, as a process of its own reads it."""
    request = RequestFactory().get("/")
    request.user = user
    model_admin = site._registry[type(row)]
    data = _values(model_admin.get_form(request, row, change=True)(instance=row))
    for formset_class, _ in model_admin.get_formsets_with_inlines(request, row):
        formset = formset_class(instance=row)
        for form in [formset.management_form, *formset.initial_forms]:
            data |= _values(form)
    return data


def _values(form: BaseForm) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, datetime):
            data |= {
                f"{bound.html_name}_0": f"{value:%Y-%m-%d}",
                f"{bound.html_name}_1": f"{value:%H:%M:%S}",
            }
        elif isinstance(value, bool):
            data |= {bound.html_name: "on"} if value else {}
        elif isinstance(value, list | tuple):
            data[bound.html_name] = ",".join(map(str, value))
        else:
            data[bound.html_name] = "" if value is None else value
    return data
