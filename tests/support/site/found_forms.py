"""The forms of a page as its HTML has them, and what its other elements post of a form (`hx-post`);
and those of a whole site, found by following its links and its list of addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from django.test import Client
from django.urls import Resolver404, ResolverMatch, resolve

WITHOUT_FORMS = ("/logout/", "/history/", ".json", ".zip")
NOT_SENT = {"submit", "button", "image", "reset"}


@dataclass
class Form:
    """One form of one page: where it is sent, and the values that it shows. `files` are its fields
    for files, `buttons` what its buttons add.
    """

    page: str
    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def fields(self) -> list[str]:
        return [*self.values, *self.files]

    @property
    def kind(self) -> tuple[str, str, frozenset[str]]:
        """Forms of one kind differ in the row that they are about."""
        where = match_of(self.action)
        view = f"{where.route}" if where else self.action
        plain = {re.sub(r"\d+", "N", name) for name in self.fields}
        return self.method, view, frozenset(plain)


def match_of(address: str) -> ResolverMatch | None:
    try:
        return resolve(address.partition("?")[0])
    except Resolver404:
        return None


class _Page(HTMLParser):
    """Forms and links of one page, each control with the form that it is in or names."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.posted: list[tuple[Form, str]] = []
        self._open: Form | None = None
        self._named: dict[str, Form] = {}
        self._select = self._area = ""
        self._first_option = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag == "form":
            to = own.get("hx-post") or own.get("action") or self.address
            method = "post" if own.get("hx-post") else own.get("method", "get").lower()
            self._open = Form(self.address, urljoin(self.address, to), method)
            self.forms.append(self._open)
            self._named[own.get("id", "")] = self._open
        elif own.get("hx-include") == "closest form" and self._open:
            self.posted.append((self._open, urljoin(self.address, own["hx-post"])))
        elif tag == "a" and own.get("href"):
            self.links.append(urljoin(self.address, own["href"]))
        elif (form := self._form_of(own)) and own.get("name"):
            self._control(tag, own, form)
        elif tag == "option" and self._select and self._open:
            if self._first_option or "selected" in own:
                self._open.values[self._select] = own.get("value", "")
            self._first_option = False

    def _form_of(self, own: dict[str, str]) -> Form | None:
        return self._named.get(own.get("form", "-"), self._open)

    def _control(self, tag: str, own: dict[str, str], form: Form) -> None:
        kind, name = own.get("type", "text"), own["name"]
        if tag == "button" or kind in NOT_SENT:
            form.buttons.append((name, own.get("value", "")))
        elif tag == "select":
            self._select, self._first_option = name, True
            form.values[name] = ""
        elif tag == "textarea":
            self._area = name
            form.values[name] = ""
        elif tag == "input" and kind == "file":
            form.files.append(name)
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in own):
            form.values[name] = own.get("value", "on" if kind == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        if self._area and self._open:
            self._open.values[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def read(address: str, html: str) -> _Page:
    page = _Page(address)
    page.feed(html)
    # with all fields, also those behind the element that sends them
    page.forms += [replace(form, action=to, method="post", buttons=[]) for form, to in page.posted]
    return page


def crawl(client: Client, starts: Iterable[str]) -> Iterator[Form]:
    """The forms of every page that can be reached, one of each kind. A page is opened once, whatever
    a list is asked for.
    """
    waiting, seen, kinds = list(starts), set[str](), set[object]()
    while waiting:
        address = waiting.pop(0)
        path = address.partition("?")[0]
        if path in seen or path.endswith(WITHOUT_FORMS) or match_of(path) is None:
            continue
        seen.add(path)
        answer = client.get(address)
        assert answer.status_code in (200, 204, 301, 302, 403, 404, 405, 503), (address, answer)
        if answer.status_code in (301, 302):
            waiting.insert(0, urljoin(address, answer.headers["Location"]))
        if answer.status_code != 200 or "html" not in answer.headers.get("Content-Type", ""):
            continue
        page = read(address, answer.content.decode())
        waiting += [link.partition("#")[0] for link in page.links]
        for form in page.forms:
            if form.kind not in kinds:
                kinds.add(form.kind)
                yield form
