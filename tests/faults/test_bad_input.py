"""Each form of the site, found by following its links, is sent with each field empty, too long, of
another type, with HTML, a formula, NUL and half a character, and with what belongs to another
campaign, as each role: a sentence or a page of the site comes back, never a 500; without the right
nothing is changed, and nothing of the other campaign is, whoever sends it. [C-2, O-5, O-7]
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from console import error_pages
from console.roles import ADMINISTRATOR, ROLES
from console.sign_in.site import FairwaveSite
from datalake.storage import buckets
from operations.entry.alternatives import holds
from tests.console.test_urls import addresses
from tests.faults.test_bad_values import filled
from tests.support.people import client_of, member_of, staff
from tests.support.site import another
from tests.support.site.found_forms import Form, crawl, match_of, read
from tests.support.site.one_of_each import one_in_each_state, one_of_each
from waves.choices import WaveState
from waves.models import Member, Wave

pytestmark = pytest.mark.django_db

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
PK, NAMED, REASON = 987654, "nothing", "because of the label"
EVERYBODY = (*ROLES, ADMINISTRATOR, "none", "anonymous")
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
    "twice": ["a", "b"],
}
GOOD_FILE = ("a.csv", b"a,b\n1,2\n")
BAD_FILES = {
    "no file": None,
    "empty": ("a.csv", b""),
    "HTML": (f"{HTML}.csv", HTML.encode()),
    "bytes": ("a.txt", b"\x00\xff\n" * 99),
    "long name": ("x" * 400 + ".csv", b"a,b\n"),
    "text": "a.csv",
}
# What a field can hold of another campaign: the number or the name of its rows, or a request for one
ANOTHERS: dict[str, str] = {
    "number": str(another.PK),
    "name": another.NAME,
    "request": str(another.REQUEST),
}
ANOTHERS_FILES: dict[str, tuple[str, bytes]] = {
    "file": ("a.csv", f"globalUserId,marketId,code\n{another.NAME},{another.NAME},X1\n".encode()),
    "config_file": ("a.json", json.dumps({"campaignId": another.NAME}).encode()),
    "markets_file": (
        "a.csv",
        f"marketId,marketName,capacity,selectionTime\n{another.NAME},,1,\n".encode(),
    ),
}
# Fields with such a thing in them; in the long run each field gets it
NAMES_ROWS = {
    *("campaign", "fan", "code", "market", "fanlist", "template", "single_market", "next"),
    *("digest", "preflight", "request", "markets-0-id", "as_read"),
}
# These say what was read: with another's, no wave is approved
READ = {"digest", "preflight"}
# sent by scripts of pages
FOR_SCRIPTS = {"permit-upload", "uploaded-scores"}
# what a request of itself writes, whoever makes it
OF_THE_SESSION = {"django_session", "console_signincounter"}
SENTENCE = re.compile(r"[A-Z][^<>]{15,}\.")
# Forms that take any words: a search and a preview show what they found, and hiding what is hidden
# says nothing
SEARCHES = {"find", "find-code", "demand-find", "wave-messages", "preview-template"}
SWITCHES = {"unmask"}
# sent by a page in the background, which shows no answer
SILENT = {"looked-at-wave"}
STRANGERS, PREVIEW = ["/admin/login/", f"/draws/{NAMED}"], ("preview", "1")
ERROR = re.compile(r'class="[^"]*error|role="alert"')
# The view pg_stat_xact_user_tables says the same in twenty times the time
WRITES = """SELECT relname, written FROM pg_class, LATERAL (SELECT
    pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
    + pg_stat_get_xact_tuples_deleted(oid) AS written)
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND written > 0"""


@dataclass(frozen=True)
class Person:
    role: str
    user: User | AnonymousUser
    client: Client


@pytest.fixture
def people() -> list[Person]:
    users: dict[str, User] = {role: member_of(role) for role in EVERYBODY[:-2]}
    users["none"] = staff("newcomer")
    found = [Person(role, user, client_of(user)) for role, user in users.items()]
    found.append(Person("anonymous", AnonymousUser(), Client()))
    for person in found:
        person.client.raise_request_exception = False
    return found


@dataclass(frozen=True)
class Sent:
    """What is sent, and what is wrong with it; `harmed` names what was done to rows that are none of its
    business, given the tables that were written to.
    """

    form: Form
    what: str
    data: Mapping[str, Any]
    harmed: Callable[[set[str]], Sequence[str]] = lambda tables: ()


@pytest.fixture
def error_pages_without_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words without navigation, which has its tests and costs more than the rest."""
    monkeypatch.setattr(error_pages, "_is_signed_in", lambda request: False)
    monkeypatch.setattr(
        FairwaveSite,
        "without_role",
        lambda site, request: error_pages.page(request, error_pages.NOT_PERMITTED, 403),
    )


@pytest.fixture
def forms(settings, error_pages_without_the_site) -> list[Form]:
    """Every form that somebody with all rights finds, and those of strangers."""
    settings.TEST_RECIPIENTS = ["a@b.example", "+12065550100"]
    one_in_each_state(one_of_each(PK, NAMED))
    client = client_of(User.objects.create_superuser("root-like"))
    routes = [route for route, _ in addresses(get_resolver().url_patterns)]
    starts = ["/admin/", *map(filled, routes)]
    found = list(crawl(client, starts))
    more = [*after_previews(client, found), *after_a_search(client, found)]
    return [*found, *more, *crawl(Client(), STRANGERS)]


class Others:
    """Another campaign, made after the forms were found, and the same forms of its pages."""

    def __init__(self) -> None:
        another.another_campaign()
        self.rows = another.Kept(another.PK, another.NAME)
        self.first = another.Kept(PK, NAMED)
        self._approved_before = self._approved()
        self._client = client_of(User.objects.create_superuser("reads-others"))
        self._pages: dict[str, list[Form]] = {}

    def _approved(self) -> set[int]:
        return set(Wave.objects.filter(state=WaveState.APPROVED).values_list("pk", flat=True))

    def twin(self, form: Form) -> Form | None:
        """The same form about the other campaign's row."""
        page, action = _of_another(form.page), _of_another(form.action)
        if action == form.action:
            return None
        if page not in self._pages:
            self._pages[page] = read(page, _text(self._client.get(page))).forms
        alike = [each for each in self._pages[page] if each.action == action]
        return max(alike, key=lambda each: len(set(each.fields) & set(form.fields)), default=None)

    def sent(self, form: Form) -> Iterator[Sent]:
        """The form with what belongs to the other campaign in each field and in all of them, and
        sent to the address of the other's row.
        """
        good, files = good_values(form), dict.fromkeys(form.files, GOOD_FILE)
        twin = self.twin(form)
        shown = good_values(twin) if twin else {}
        theirs = {each: shown[each] for each in good if shown.get(each, good[each]) != good[each]}
        for field in good:
            found = ANOTHERS | ({"own": theirs[field]} if field in theirs else {})
            for what, value in found.items():
                yield self._sent(form, f"{field}: another's {what}", {field: value})
        for field in ANOTHERS_FILES.keys() & form.files:
            yield self._sent(form, f"{field}: another's rows", {field: ANOTHERS_FILES[field]})
        if len(theirs) > 1:
            yield self._sent(form, "another's values", theirs)
        if twin:
            to_another = replace(form, action=twin.action)
            data = _sent(good, files)
            yield Sent(to_another, "another's address", data, self.first.changes)

    def _sent(self, form: Form, what: str, theirs: Mapping[str, Any]) -> Sent:
        """A form in which a campaign is chosen is about that one, or, where none is, about all of
        them, as that of a provider is.
        """
        name, where = next(iter(theirs)), match_of(form.action)
        values = good_values(form) | dict.fromkeys(form.files, GOOD_FILE) | dict(theirs)
        is_chosen = values.get("campaign", PK) not in (str(PK), NAMED, PK)
        is_shared = where is not None and where.url_name == "resume-provider"

        def harmed(tables: set[str]) -> Sequence[str]:
            says_what_was_read = len(theirs) == 1 and name in READ
            if says_what_was_read and self._approved() != self._approved_before:
                return ["what is approved"]
            mixed = self.rows.shared(tables, self.first)
            return mixed if is_chosen or is_shared else [*mixed, *self.rows.changes(tables)]

        return Sent(form, what, _sent(values, {}), harmed)


def _of_another(address: str) -> str:
    return address.replace(str(PK), str(another.PK)).replace(NAMED, another.NAME)


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
    another.assigned_code(member, "FOUND")
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


def spoilt(form: Form) -> Iterator[Sent]:
    """What is sent, each time with another field as it should not be."""
    good = good_values(form)
    good_files = dict.fromkeys(form.files, GOOD_FILE)
    for field in good:
        for what, value in BAD.items():
            if not (form.files and what == "half"):
                yield Sent(form, f"{field}: {what}", _sent(good | {field: value}, good_files))
    for field in form.files:
        for what, file in BAD_FILES.items():
            yield Sent(form, f"{field}: {what}", _sent(good, good_files | {field: file}))
    if not good and not form.files:
        yield Sent(form, "as it is", {})


def _sent(values: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (values | files).items() if value is not None}


def send(
    client: Client,
    form: Form,
    data: Mapping[str, Any],
    look: Callable[[set[str]], object] = lambda tables: None,
) -> tuple[HttpResponseBase, set[str]]:
    """The answer, and the tables that it wrote to, at which `look` looks; then all is as it was."""
    before, cookies = writes(), client.cookies.copy()
    with transaction.atomic():
        if form.method == "get":
            answer = client.get(f"{form.action.partition('?')[0]}?{urlencode(data, doseq=True)}")
        elif form.files:
            made = {
                name: SimpleUploadedFile(*value) if isinstance(value, tuple) else value
                for name, value in data.items()
            }
            answer = client.post(form.action, made)
        else:
            kind = "application/x-www-form-urlencoded"
            answer = client.post(form.action, urlencode(data, doseq=True), content_type=kind)
        if answer.status_code < 500:
            changed = {table for table, count in writes().items() if count != before.get(table, 0)}
            look(changed)
        else:
            changed = set()
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer, changed


def fault_of(person: Person, sent: Sent) -> str:
    """What is wrong with the answer; empty if nothing is."""
    form, harmed = sent.form, list[str]()
    files = list(buckets.scoring().list("")) if form.files else []
    answer, changed = send(
        person.client, form, sent.data, lambda tables: harmed.extend(sent.harmed(tables))
    )
    status, text = answer.status_code, _text(answer)
    if status >= 500:
        return f"{status} {answer.exc_info}"  # type: ignore[attr-defined]
    if harmed:
        return f"changed {harmed}"
    if HTML in text or "<script>alert(" in text:
        return "the HTML came back as it was"
    if not may_send(person.user, form):
        changed -= OF_THE_SESSION
        if changed or (files and files != list(buckets.scoring().list(""))):
            return f"changed {sorted(changed)} without the right"
        is_refused = _leads_away(form, answer) or status in (400, 403, 404, 405)
        return "" if is_refused else f"{status} without the right"
    return _unsaid(form, answer, changed)


def _leads_away(form: Form, answer: HttpResponseBase) -> bool:
    """To the login page, or out of the site, which leads to its door."""
    is_leaving = form.action.startswith("/admin/logout/")
    to = answer.headers.get("Location", "")
    return answer.status_code == 302 and (is_leaving or to.startswith("/admin/login/"))


def _unsaid(form: Form, answer: HttpResponseBase, changed: set[str]) -> str:
    """What the answer to somebody who may send the form should say and does not."""
    status, text = answer.status_code, _text(answer)
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
    if answer.headers.get("Content-Disposition", "").startswith("attachment"):
        return ""
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


def product(forms: Sequence[Form], people: Sequence[Person]) -> Iterator[tuple[Person, Sent]]:
    """All in the long run; else of each form two, and of those that name rows one with another's.
    Which ones follows from the form alone: other forms and the numbers of rows, which differ from
    run to run, change nothing.
    """
    others = Others()
    for form in forms:
        cases, number = list(spoilt(form)), _number_of(form)
        if FULL:
            yield from ((who, each) for each in (*cases, *others.sent(form)) for who in people)
            continue
        administrator = next(person for person in people if person.role == ADMINISTRATOR)
        yield administrator, cases[number * 7 % len(cases)]
        yield people[number % len(people)], cases[number * 11 % len(cases)]
        if NAMES_ROWS & set(form.values):
            of_another = list(others.sent(form))
            yield administrator, of_another[number * 13 % len(of_another)]


def _number_of(form: Form) -> int:
    """The same for the same form in every run."""
    return crc32(repr((form.method, re.sub(r"[0-9]+", "0", form.action), form.fields)).encode())


@pytest.mark.parametrize("role", EVERYBODY if FULL else ["all"])
def test_o5_whatever_is_sent_by_whomever_is_answered_inside_the_site(forms, people, caplog, role):
    caplog.set_level(logging.CRITICAL)
    people = [person for person in people if role in ("all", person.role)]
    wrong = [f"{name}: no form of it was found" for name in actions_without_form(forms)]
    for person, sent in product(forms, people):
        if fault := fault_of(person, sent):
            where = f"{sent.form.method} {sent.form.action} ({sent.what})"
            wrong.append(f"{person.role}: {where}: {fault}"[:600])
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
