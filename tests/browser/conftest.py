"""A headless Chromium before the real site, with a worker beside it and the sandbox as the
provider.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.fixtures import Settings

from operations import tasks
from sandbox.process import RunningSandbox, running
from tests.browser import contact_sheet
from tests.support.people import client_of

PASSWORD = "correct horse battery"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
PICTURES = os.environ.get("FAIRWAVE_PICTURES", "")
VIEWS = {"desktop": (1280, 900), "narrow": (390, 844)}


# playwright's loop must not outlive the browser's tests: other tests run loops of their own
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = contact_sheet.chromium()
    if path is None and os.environ.get("CI") in {"1", "true"}:
        pytest.fail("There is no Chromium: bin/test installs it.")
    if path is None:
        pytest.skip("There is no Chromium on this machine: install it to test the pages.")
    # the tests ask the database from the thread that holds playwright's loop
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*FLAGS, "--no-sandbox", "--disable-sync"]
        )
        yield browser
        browser.close()
        # playwright's loop has connections of its own, which nobody finds once it has ended
        connections.close_all()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def provider(settings: Settings) -> Iterator[RunningSandbox]:
    with running(latency_ms=15) as sandbox:
        settings.SMS_URL = sandbox.url
        settings.SMS_PER_SECOND = 50  # slow enough to be watched
        yield sandbox


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[None]:
    """A worker in a thread: a task that would go through the queue reaches it at once; the work
    is the same function.
    """
    pool, enqueued = (
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="worker"),
        list[Future[None]](),
    )

    def enqueue(path: str, job_id: int, **options: Any) -> None:
        enqueued.append(pool.submit(_work, job_id))

    monkeypatch.setattr(tasks, "async_task", enqueue)
    yield
    pool.shutdown(wait=True)
    for one in enqueued:
        one.result()


def _work(job_id: int) -> None:
    try:
        tasks.run_job(job_id)
    finally:
        connections.close_all()


class Person:
    """Somebody at a browser of their own. What the browser complains about is kept in
    `complaints`.
    """

    def __init__(self, context: BrowserContext, address: str, name: str = "") -> None:
        self.address, self.page, self.complaints = address, context.new_page(), list[str]()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if name:
            self.sign_in(name)

    def sign_in(self, name: str) -> None:
        self.go("/admin/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("text=Log in")
        self.page.wait_for_url("**/admin/")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} at {message.location}")

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def picture(self, name: str) -> None:
        """Where FAIRWAVE_PICTURES names a folder: the whole page wide and narrow, light and dark,
        to be looked at. The guides' pictures are made by `bin/pictures`.
        """
        if not PICTURES:
            return
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        for view, (width, height) in VIEWS.items():
            self.page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                self.page.evaluate(
                    "dark => document.documentElement.classList.toggle('dark', dark)",
                    scheme == "dark",
                )
                self.page.wait_for_timeout(150)
                self.page.screenshot(path=folder / f"{name}-{view}-{scheme}.png", full_page=True)
        self.page.evaluate("document.documentElement.classList.remove('dark')")
        self.page.set_viewport_size({"width": VIEWS["desktop"][0], "height": VIEWS["desktop"][1]})


def _session_of(user: User, address: str) -> Any:
    """The cookie of somebody who has signed in: the login page and the home page are not drawn for
    every person of every test.
    """
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client_of(user).cookies[name].value, "url": address}


@pytest.fixture
def sign_in(chromium: Browser, live_server: Any, worker: None) -> Iterator[Callable[..., Person]]:
    """`sign_in("operator")`: a person of that role, or of several, who is signed in at the site as
    if a minute ago, or by the form; `sign_in("")`: somebody at a browser, signed in nowhere. Every
    complaint of a browser fails the test.
    """
    people: list[Person] = []
    contexts: list[BrowserContext] = []

    def one(*roles: str, by_form: bool = False) -> Person:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 900}))
        people.append(Person(contexts[-1], live_server.url))
        if any(roles):
            name = f"{'-'.join(roles)}-anna"
            user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
            user.groups.set(Group.objects.filter(name__in=roles))
            if by_form:
                people[-1].sign_in(user.username)
            else:
                contexts[-1].add_cookies([_session_of(user, live_server.url)])
        return people[-1]

    yield one
    for context in contexts:
        context.close()
    assert [complaint for person in people for complaint in person.complaints] == []
