"""Every address, and every name that a page reads, is given what nobody should send: none answers
500. [C-2]
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import ModelAdmin, site
from django.contrib.auth.models import User
from django.db import transaction
from django.forms import Form, SplitDateTimeField
from django.test import Client, RequestFactory
from django.urls import get_resolver

import console.forms
import console.new_wave.boxes
import console.new_wave.changes
import console.new_wave.form
import console.wave_forms
from campaigns.markets.forms import MarketForm
from campaigns.models import Campaign, FanList, ListEntry, Market
from tests.console.test_urls import PUBLIC, addresses
from tests.support.people import client_of, member_of
from tests.support.site.one_of_each import one_of_each
from waves.models import Template

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("FAIRWAVE_FULL") == "1"
PK, NAMED, REASON = 987654, "nothing", "because of the label"
NUL, LONG, DIGITS = "\0", "x" * 3_000, "9" * 5_000
LATE, EARLY = "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"
NASTY = (DIGITS, LATE, EARLY, LONG, "٣", "nan", "[]", "a\r\nb", "-1", "9999-12-31", "0001-01-01")
# of every list, beside its own filters
ASKED_OF_LISTS = ("q", "o", "all", "after", "before", "_facets")
READ = re.compile(r"request\.(?:GET|POST)(?:\.get\(|\[)\"(\w+)\"")


def names_that_pages_read() -> list[str]:
    """All fields of all forms, and all that views ask a request for by name."""
    new_wave = console.new_wave
    modules = (
        console.forms,
        console.wave_forms,
        new_wave.boxes,
        new_wave.changes,
        new_wave.form,
    )
    forms = {
        form
        for module in modules
        for form in vars(module).values()
        if isinstance(form, type) and issubclass(form, Form)
    }
    fields = {name for form in forms for name in form.base_fields}
    read = {
        name for file in (ROOT / "console").rglob("*.py") for name in READ.findall(file.read_text())
    }
    return sorted(fields | read)


@pytest.fixture
def rows() -> Campaign:
    return one_of_each(PK, NAMED)


def filled(route: str) -> str:
    if "<app_label>" in route:
        return "/admin/campaigns/"
    route = route.replace("<path:object_id>", str(PK)).replace("^", "").replace("$", "")
    route = route.replace("lake/<path:name>", "lake/scoring/2026-01-01")
    return "/" + re.sub(
        r"<(?:(\w+):)?\w+>", lambda found: str(PK) if found[1] == "int" else NAMED, route
    )


def asked() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Method, address and what it is asked; each value that a page reads is a bad one, another one
    each time. In the long run all of them in turn, and of lists one at a time.
    """
    names = names_that_pages_read()
    for number, (route, pattern) in enumerate(addresses(get_resolver().url_patterns)):
        changelist = getattr(pattern.callback, "model_admin", None)
        if route.endswith(("logout/", "/history/", "/delete/")):
            continue
        for turn in range(len(NASTY) if FULL else 1):
            if str(pattern.name).endswith("_changelist"):
                for some in asked_of_lists(changelist):
                    yield "get", filled(route), _bad(number + turn, some)
                continue
            fields = getattr(getattr(changelist, "form", None), "base_fields", ())
            yield "get", filled(route), _bad(number + turn, [*names, *fields])
            if changelist is None:
                yield "post", filled(route), _bad(number + turn, names) | {"reason": REASON}


def asked_of_lists(changelist: ModelAdmin) -> Iterator[list[str]]:
    """What a list can be asked for, as its own links ask for it."""
    relations = {field.name for field in changelist.opts.get_fields() if field.is_relation}
    filters = [name for name in changelist.list_filter if isinstance(name, str)]
    exact = [f"{name}__id__exact" if name in relations else f"{name}__exact" for name in filters]
    if not FULL:
        yield [*ASKED_OF_LISTS, *exact]
        return
    yield from ([name] for name in (*ASKED_OF_LISTS, "p", *exact))
    yield from ([f"{name}__isnull"] for name in filters)


def _bad(turn: int, names: Sequence[str]) -> dict[str, str]:
    return {name: NASTY[(turn + at) % len(NASTY)] for at, name in enumerate(names)}


def test_no_page_answers_500_whatever_it_is_asked_for(rows, caplog):
    caplog.set_level(logging.CRITICAL)
    client = client_of(User.objects.create_superuser("root-like"))
    client.raise_request_exception = False
    wrong = []
    walked = 0
    for method, address, values in asked():
        answer = getattr(client, method)(address, values)
        walked += 1
        if answer.status_code >= 500 and address != "/readyz":
            wrong.append(f"{method} {address} {values} {answer.exc_info}")
    assert wrong == []
    assert walked > 200


def test_strangers_get_no_500_either(rows, caplog):
    caplog.set_level(logging.CRITICAL)
    client = Client(raise_request_exception=False)
    public = [
        filled(route)
        for route, one in addresses(get_resolver().url_patterns)
        if one.name in PUBLIC - {"readyz"}
    ]
    for address in (*public, f"/static/{LONG}", "/static/%00"):
        for value in (NUL, *NASTY):
            values = dict.fromkeys(("next", "username", "password"), value)
            headers = {"X-Signature": f"t={value},v1={value}".replace("\r\n", "").strip(NUL)}
            for answer in (
                client.get(address, values, headers=headers),
                client.post(address, values, headers=headers),
            ):
                assert answer.status_code < 500, (address, value[:40], answer.exc_info)


def test_no_page_of_a_row_fails_for_who_may_only_look(rows, caplog):
    caplog.set_level(logging.CRITICAL)
    client = client_of(member_of("viewer"))
    client.raise_request_exception = False
    for route, _ in addresses(get_resolver().url_patterns):
        if route.endswith("/change/"):
            assert client.get(filled(route)).status_code < 500, route


def test_what_a_form_of_the_admin_takes_its_table_keeps(rows):
    """Each field in turn is given each bad value, the others as they are."""
    request = RequestFactory().get("/")
    request.session = {}
    request.user = User.objects.create_superuser("root-like")
    for model in (Campaign, Market, ListEntry, FanList, Template):
        row = model.objects.get(pk=PK)
        form_class = site._registry[model].get_form(request, row) if model != Market else MarketForm
        good = {name: form_class(instance=row)[name].value() for name in form_class.base_fields}
        assert form_class(_posted(form_class, good), instance=row).is_valid(), model
        for name in good:
            for value in (NUL, *NASTY) if FULL else (NUL, DIGITS, LATE, LONG):
                form = form_class(
                    _posted(form_class, good | {name: value}), instance=model.objects.get(pk=PK)
                )
                if form.is_valid():
                    with transaction.atomic():
                        form.save()
                        model.objects.get(pk=PK)
                        transaction.set_rollback(True)


def _posted(form_class: type[Form], values: Mapping[str, Any]) -> dict[str, str]:
    """The values as a browser sends them: of a date and time two."""
    sent = {}
    for name, value in values.items():
        if isinstance(form_class.base_fields[name], SplitDateTimeField):
            text = value.isoformat() if isinstance(value, datetime) else value or ""
            sent |= {f"{name}_0": text.partition("T")[0], f"{name}_1": "00:00:00" if text else ""}
        elif value is not None and value is not False:
            sent[name] = value
    return sent
