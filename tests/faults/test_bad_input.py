"""Each form of the site, found by following its links, is sent with each field empty, too long, of
another type, with HTML, a formula, NUL, half a character and another row's id, as each role: a
sentence or a page of the site comes back, never a 500, and without the right nothing is changed.
[C-2, O-5, O-7]
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import get_resolver, reverse

from campaigns.rights import LATE
from console.roles import ADMINISTRATOR, ROLES
from datalake.storage import buckets
from operations.entry.alternatives import holds
from tests.console.test_urls import addresses
from tests.faults.test_bad_values import filled
from tests.support.people import client_of, member_of, staff
from tests.support.site.found_forms import Form, crawl, match_of, read
from tests.support.site.one_of_each import one_in_each_state, one_of_each
from waves.choices import CodeState, WaveState
from waves.models import Assignment, Code, Member

pytestmark = pytest.mark.django_db

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
PK, NAMED, REASON = 987654, "nothing", "because of the label"
HTML = "<script>alert('x')</script><b>\"'"
BAD: dict[str, str | bytes | list[str] | None] = {
    "nothing": "",
    "no field": None,
    "too long": "x" * 3_000,
    "digits": "9" * 5_000,
    "no number": "=seven",
    "below": "-1",
    "HTML": HTML,
    "formula": '=HYPERLINK("http://e.example";"x")',
    "NUL": "a\0b",
    "half": b"\xed\xa0\x80",
    "another's id": str(PK + 1),
    "twice": ["a", "b"],
}
BAD_FILES = {
    "no file": None,
    "empty": ("a.csv", b""),
    "HTML": (f"{HTML}.csv", HTML.encode()),
    "bytes": ("a.txt", b"\x00\xff\n" * 99),
    "long name": ("x" * 400 + ".csv", b"a,b\n"),
    "text": "a.csv",
}
# sent by scripts of pages
FOR_SCRIPTS = {"permit-upload", "uploaded-scores"}
# what a request of itself writes, whoever makes it
OF_THE_SESSION = {"django_session", "console_signincounter"}
SENTENCE = re.compile(r"[A-Z][^<>]{15,}\.")
# Forms that take any words: a search and a preview show what they found, and hiding what is hidden
# says nothing
SEARCHES, SWITCHES = {"find", "demand-find", "preview-template"}, {"unmask"}
# sent by a page in the background, which shows no answer
SILENT = {"looked-at-wave"}
STRANGERS, PREVIEW = ["/admin/login/", f"/draws/{NAMED}"], ("preview", "1")
ERROR = re.compile(r'class="[^"]*error|role="alert"')
WRITES = """SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
    WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"""


@dataclass(frozen=True)
class Person:
    role: str
    user: User | AnonymousUser
    client: Client


@pytest.fixture
def people() -> list[Person]:
    roles = [*ROLES, ADMINISTRATOR]
    users: dict[str, User] = {role: member_of(role) for role in roles} | {"none": staff("newcomer")}
    found = [Person(role, user, client_of(user)) for role, user in users.items()]
    found.append(Person("anonymous", AnonymousUser(), Client()))
    for person in found:
        person.client.raise_request_exception = False
    return found


@pytest.fixture
def forms(settings) -> list[Form]:
    """Every form that somebody with all rights finds, and those of strangers."""
    settings.TEST_RECIPIENTS = ["a@b.example", "+12065550100"]
    one_in_each_state(one_of_each(PK, NAMED))
    client = client_of(User.objects.create_superuser("root-like"))
    routes = [route for route, _ in addresses(get_resolver().url_patterns)]
    starts = ["/admin/", *map(filled, routes)]
    found = list(crawl(client, starts))
    more = [*after_previews(client, found), *after_a_search(client, found)]
    return [*found, *more, *crawl(Client(), STRANGERS)]


def after_previews(client: Client, forms: Sequence[Form]) -> Iterator[Form]:
    """What only a preview shows: the same form with more in it, such as other plans."""
    for form in forms:
        if PREVIEW in form.buttons:
            answer, _ = send(client, form, good_values(form) | {"date_key": "20300101"})
            shown = read(form.action, _text(answer)).forms
            yield from (each for each in shown if each.action == form.action)


def after_a_search(client: Client, forms: Sequence[Form]) -> Iterator[Form]:
    """What only a fan who was found has: the form by which support sends their code again."""
    member = Member.objects.filter(wave__state=WaveState.COMPLETED).select_related("wave").first()
    code = Code.objects.create(
        campaign=member.wave.campaign,
        code="FOUND",
        state=CodeState.ASSIGNED,
        wave=member.wave,
        global_user_id=member.global_user_id,
        market=member.market,
        begins_at=member.wave.notify_date,
        ends_at=member.wave.notify_date + timedelta(days=1),
    )
    Assignment.objects.create(
        campaign=code.campaign,
        global_user_id=code.global_user_id,
        code=code,
        wave=code.wave,
        market=code.market,
        assigned_at=member.wave.notify_date,
    )
    (finding,) = (
        form for form in forms if getattr(match_of(form.action), "url_name", "") == "find"
    )
    asked = good_values(finding) | {"fan": member.global_user_id}
    shown = read(finding.action, _text(send(client, finding, asked)[0])).forms
    yield from (form for form in shown if form.action == reverse("resend"))


def writes() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(WRITES)
        return dict(cursor.fetchall())


def may_send(user: User | AnonymousUser, form: Form) -> bool:
    """Whether the view behind the form lets this person in; what it does then is its own to say."""
    where = match_of(form.action)
    if where is None or not form.action.startswith("/admin/"):
        return True
    if not user.is_active or not getattr(user, "is_staff", False):
        return where.url_name == "login"
    if permissions := getattr(where.func, "permissions", ()):
        return holds(user, permissions)
    model_admin, verb = getattr(where.func, "model_admin", None), str(where.url_name).split("_")[-1]
    if model_admin is None:
        return True
    label, model = model_admin.opts.app_label, model_admin.opts.model_name
    verb = {"changelist": "view", "password": "change"}.get(verb, verb)
    is_late_list = model == "listentry" and user.has_perm(LATE["lists"])
    return is_late_list or user.has_perm(f"{label}.{verb}_{model}")


def good_values(form: Form) -> dict[str, Any]:
    return {
        name: REASON if "reason" in name and not value else value
        for name, value in form.values.items()
        if name != "csrfmiddlewaretoken"
    } | dict(form.buttons[:1])


def spoilt(form: Form) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is sent, each time with another field as it should not be, and what that is."""
    good = good_values(form)
    good_files = dict.fromkeys(form.files, ("a.csv", b"a,b\n1,2\n"))
    for field in good:
        for what, value in BAD.items():
            if not (form.files and what == "half"):
                yield f"{field}: {what}", _sent(good | {field: value}, good_files)
    for field in form.files:
        for what, file in BAD_FILES.items():
            yield f"{field}: {what}", _sent(good, good_files | {field: file})
    if not good and not form.files:
        yield "as it is", {}


def _sent(values: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        name: SimpleUploadedFile(*file) if isinstance(file, tuple) else file
        for name, file in files.items()
    }
    return {name: value for name, value in (values | made).items() if value is not None}


def send(client: Client, form: Form, data: Mapping[str, Any]) -> tuple[HttpResponseBase, set[str]]:
    """The answer, and the tables that it wrote to; then all is as it was."""
    before, cookies = writes(), client.cookies.copy()
    with transaction.atomic():
        if form.method == "get":
            answer = client.get(f"{form.action.partition('?')[0]}?{urlencode(data, doseq=True)}")
        elif form.files:
            answer = client.post(form.action, data)
        else:
            kind = "application/x-www-form-urlencoded"
            answer = client.post(form.action, urlencode(data, doseq=True), content_type=kind)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer, {table for table, count in writes().items() if count != before.get(table, 0)}


def fault_of(person: Person, form: Form, data: Mapping[str, Any]) -> str:
    """What is wrong with the answer; empty if nothing is."""
    files = list(buckets.scoring().list("")) if form.files else []
    answer, changed = send(person.client, form, data)
    status, text = answer.status_code, _text(answer)
    if status >= 500:
        return f"{status} {answer.exc_info}"  # type: ignore[attr-defined]
    if HTML in text or "<script>alert(" in text:
        return "the HTML came back as it was"
    if not may_send(person.user, form):
        is_leaving = form.action.startswith("/admin/logout/")  # which leads to the site's door
        away = status == 302 and (
            is_leaving or answer.headers["Location"].startswith("/admin/login/")
        )
        changed -= OF_THE_SESSION
        if changed or (files and files != list(buckets.scoring().list(""))):
            return f"changed {sorted(changed)} without the right"
        return "" if away or status in (400, 403, 404, 405) else f"{status} without the right"
    name = str(getattr(match_of(form.action), "url_name", ""))
    if status == 302:
        said = bool(answer.cookies.get("messages") and answer.cookies["messages"].value)
        inside = answer.headers["Location"].startswith("/")
        spoken = inside and (said or changed or form.method == "get" or name in SWITCHES)
        return "" if spoken else "nothing is said"
    if status == 204 and name in SILENT:
        return ""
    if status not in (200, 400, 403, 404, 405):
        return f"{status}"
    done_in_place = bool(changed) and 'role="status"' in text
    asks_again = not _fields(form) or name in SEARCHES or name.endswith(("_delete", "logout"))
    if (
        status == 200
        and form.method == "post"
        and not (asks_again or done_in_place or ERROR.search(text))
    ):
        return "200 without an error"
    return "" if status == 200 or SENTENCE.search(text) else f"{status} without a sentence"


def _fields(form: Form) -> list[str]:
    return [name for name in form.fields if name != "csrfmiddlewaretoken"]


def _text(answer: HttpResponseBase) -> str:
    return "" if answer.streaming else answer.content.decode(errors="replace")  # type: ignore[attr-defined]


def product(
    forms: Sequence[Form], people: Sequence[Person]
) -> Iterator[tuple[Person, Form, str, dict]]:
    """All in the long run; else of each form two. Which ones follows from the form alone: other
    forms and the numbers of rows, which differ from run to run, change nothing.
    """
    administrator = next(person for person in people if person.role == ADMINISTRATOR)
    for form in forms:
        cases, number = list(spoilt(form)), _number_of(form)
        if FULL:
            yield from ((who, form, *case) for who in people for case in cases)
            continue
        yield (administrator, form, *cases[number * 7 % len(cases)])
        yield (people[number % len(people)], form, *cases[number * 11 % len(cases)])


def _number_of(form: Form) -> int:
    """The same for the same form in every run."""
    return crc32(repr((form.method, re.sub(r"[0-9]+", "0", form.action), form.fields)).encode())


def test_o5_whatever_is_sent_by_whomever_is_answered_inside_the_site(forms, people, caplog):
    caplog.set_level(logging.CRITICAL)
    wrong = [f"{name}: no form of it was found" for name in actions_without_form(forms)]
    for person, form, what, data in product(forms, people):
        if fault := fault_of(person, form, data):
            wrong.append(f"{person.role}: {form.method} {form.action} ({what}): {fault}"[:600])
    assert wrong == [], "\n".join(wrong)


def actions_without_form(forms: Sequence[Form]) -> set[str]:
    """What the walk does not find would not be tried."""
    found = {str(where.url_name) for form in forms if (where := match_of(form.action))}
    client = client_of(User.objects.create_superuser("all-rights"))
    missing = {
        str(pattern.name): filled(route)
        for route, pattern in addresses(get_resolver().url_patterns)
        if hasattr(pattern.callback, "permissions") and pattern.name not in found
    }
    takes = {name for name, address in missing.items() if client.post(address).status_code != 405}
    return takes - FOR_SCRIPTS
