"""Who may do what, asked of the running site: each address, each pause of a job and each command, as
each role. `docs/rights.md` is written from the answers. [O-5, O-7]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import middleware
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import load_command_class
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpResponseBase
from django.template.backends.django import Template
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils.text import capfirst

from console.roles import ADMINISTRATOR, ROLES
from console.sign_in.site import FairwaveSite
from operations import job_kinds
from operations.entry.command_rights import acting_user
from operations.errors import CommandRefused
from operations.models import Job
from tests.console.test_urls import addresses
from tests.faults.test_bad_values import PK, filled
from tests.support.people import client_of, member_of, staff
from tests.support.site.private_rows import PRIVATE

COLUMNS = ("anonymous", "no role", *ROLES, ADMINISTRATOR)
READER = "analyst"  # may look at most without personal data; theirs are the pages that are rendered
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|COPY|MERGE|TRUNCATE|CREATE|ALTER|DROP)\b", re.I)
REFUSED = ("403", "404", "sign in")
# Steps of Django's lists: the ends of their addresses, and how they are asked.
STEPS = (
    ("changelist", "GET", "list"),
    ("change", "GET", "one row"),
    ("history", "GET", "its history"),
    ("add", "POST", "add"),
    ("change", "POST", "change"),
    ("delete", "POST", "delete"),
)
OF_ONE_ROW = ("change", "history", "delete")
# Django answers a POST there as a GET.
ONLY_LOOKED_AT = ("app_list", "index", "search")
QUERIES = {
    "autocomplete": "?app_label=campaigns&model_name=listentry&field_name=campaign&term=",
    "search": "?q=nothing",
}
AREAS = {
    "arrival": "Score files",
    "campaign": "Campaigns",
    "dead-letters": "Data lake",
    "demand-archive": "Demand archive",
    "find": "Fans and personal data",
    "job": "Jobs",
    "lake": "Data lake",
    "lake-query": "Data lake",
    "personal-data": "Fans and personal data",
    "providers": "Waves and sending",
    "rank-file": "Score files",
    "registrations": "Registrations",
    "roles": "Users and roles",
    "score-file": "Score files",
    "stop-all": "Waves and sending",
    "users": "Users and roles",
    "wave": "Waves and sending",
}
Cells = tuple[str, ...]


@dataclass(frozen=True, order=True)
class Row:
    """What is asked, and the answer to each of COLUMNS."""

    area: str
    what: str
    how: str
    cells: Cells


class Asking:
    """A browser for each column. `written` and `private` are faults: what was written for a request
    that was refused or only looked, and where a page showed contacts unmasked.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        roles = (*ROLES, ADMINISTRATOR)
        self.users: dict[str, User] = {role: member_of(role) for role in roles}
        self.users["no role"] = staff("newcomer")
        self.clients = {name: client_of(user) for name, user in self.users.items()}
        self.clients["anonymous"] = Client()
        self.written: list[str] = []
        self.private: list[str] = []
        self._asks, self._is_rendered = "", True
        self._read_users_once(monkeypatch)
        self._render_for_the_reader_alone(monkeypatch)

    def _read_users_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With their rights, which are the same in all requests."""
        for user in self.users.values():
            user.backend = "django.contrib.auth.backends.ModelBackend"
        monkeypatch.setattr(
            middleware, "get_user", lambda request: self.users.get(self._asks) or AnonymousUser()
        )

    def _render_for_the_reader_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What may be opened is decided before; the frame of a page costs more than the rest."""
        nothing: tuple[tuple[type, str, Any], ...] = (
            (Template, "render", ""),
            (FairwaveSite, "each_context", {}),
        )
        for owner, name, instead in nothing:
            real = getattr(owner, name)

            def only_if_rendered(
                *args: Any, real: Any = real, instead: Any = instead, **kwargs: Any
            ) -> Any:
                return real(*args, **kwargs) if self._is_rendered else instead

            monkeypatch.setattr(owner, name, only_if_rendered)

    def ask(self, method: str, address: str) -> Cells | None:
        """The answer to each; None where the address is not asked this way."""
        last = self.answer(COLUMNS[-1], method, address)
        if last == "405":
            return None
        return (*(self.answer(each, method, address) for each in COLUMNS[:-1]), last)

    def answer(self, column: str, method: str, address: str) -> str:
        """What this one is answered. Whatever it changed is undone."""
        client, self._asks = self.clients[column], column
        self._is_rendered = column == READER and method == "GET"
        cookies, written = client.cookies.copy(), list[str]()
        before = transaction.savepoint()
        with _writes(written):
            response = getattr(client, method.lower())(address)
        transaction.savepoint_rollback(before)
        client.cookies = cookies
        said = word(response, method)
        asked = f"{column}: {method} {address}: {said}"
        if method == "GET" or said in REFUSED:
            self.written += [f"{asked}: {statement[:80]}" for statement in written]
        if self._is_rendered and not response.streaming:
            shown = response.content.decode()
            self.private += [f"{asked}: {each}" for each in PRIVATE if each in shown]
        return said


def word(response: HttpResponseBase, method: str) -> str:
    """The answer in a word."""
    status = response.status_code
    if status == 302:
        if response.headers["Location"].startswith("/admin/login/"):
            return "sign in"
        return "moved" if method == "GET" else "yes"
    if status in (200, 204) and method == "GET":
        return "page"
    # an allowed request that names nothing may be refused for that
    return "yes" if status in (200, 400, 409) else str(status)


@contextmanager
def _writes(found: list[str]) -> Iterator[None]:
    """The statements that write, as they are run."""

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if WRITES.match(str(sql)):
            found.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield


def of_pages(asking: Asking) -> Iterator[Row]:
    """Every address but those of Django's lists."""
    for route, pattern in addresses(get_resolver().url_patterns):
        if hasattr(pattern.callback, "model_admin") or route.endswith("<path:object_id>/"):
            continue
        address = filled(route) + QUERIES.get(str(pattern.name), "")
        what = capfirst(re.sub("[-_]", " ", pattern.name or "other address"))
        for method in ("GET",) if pattern.name in ONLY_LOOKED_AT else ("GET", "POST"):
            if cells := asking.ask(method, address):
                yield Row(_area(route), what, f"{method} /{_shown(route)}", cells)


def _area(route: str) -> str:
    if not route.startswith("admin/"):
        return "Open to anyone"
    return AREAS.get(route.split("/")[1], "Home and account")


def _shown(route: str) -> str:
    """`admin/job/<int:pk>/` → `admin/job/PK/`."""
    named = r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>"
    plain = re.sub(named, lambda found: (found[1] or found[2]).upper(), route)
    return plain.replace("$", "").replace("^", "")


def of_lists(asking: Asking) -> Iterator[Row]:
    """Each of Django's lists; steps that are answered alike share a line."""
    for model in admin.site._registry:
        steps: dict[Cells, list[str]] = {}
        for step, method, label in STEPS:
            page = f"admin:{model._meta.app_label}_{model._meta.model_name}_{step}"
            address = reverse(page, args=[PK] if step in OF_ONE_ROW else [])
            if cells := asking.ask(method, address):
                steps.setdefault(cells, []).append(label)
        for cells, labels in steps.items():
            yield Row("Lists", _title(model), ", ".join(labels), cells)


def _title(model: type[Model]) -> str:
    return capfirst(str(model._meta.verbose_name_plural))


def of_jobs(asking: Asking) -> Iterator[Row]:
    """Pausing one job of each kind."""
    for kind in job_kinds.registered():
        job = Job.objects.create(kind=kind.name, subject_kind="lake", subject_id=kind.name)
        cells = asking.ask("POST", reverse("pause-job", args=[job.pk]))
        if cells:
            yield Row("Pause, cancel and resume a job", kind.words, kind.name, cells)


def of_commands(asking: Asking, commands: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """Each command with `--by`; anonymous is without."""
    for name, app in commands:
        command = load_command_class(app, name)
        without = "no" if command.permissions and command.needs_person else "yes"
        by = [_may_run(asking.users[each], name, command.permissions) for each in COLUMNS[1:]]
        needs = "no right" if not command.permissions else ", ".join(command.permissions)
        yield Row("Commands", name, needs, (without, *by))


def _may_run(user: User, command: str, permissions: tuple[str, ...]) -> str:
    try:
        if permissions:
            acting_user(user.username, command, permissions)
    except CommandRefused:
        return "no"
    return "yes"
