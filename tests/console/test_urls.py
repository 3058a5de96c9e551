"""The whole list of addresses is walked: each asks who you are, and what you may. [O-7]"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from console import error_pages
from console.sign_in.site import FairwaveSite
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db

# Open to anybody by design: signing in and out, one-time links, health, the public pages of draws, signed receipts,
# unsubscribing by a signed link, the way to the site.
PUBLIC = {
    "login",
    "logout",
    "healthz",
    "readyz",
    "metrics",
    "receipts",
    "draw",
    "draws",
    "draw-json",
    "draw-bundle",
    "draw-check",
    "draw-shard",
    "jsi18n",
    "set-password",
    "unsubscribe",
}
# For all staff: what stands there is filtered by permission (the first page), or belongs to the
# person (their password).
FOR_ALL_STAFF = {"index", "now-live", "password_change", "password_change_done", "search"}
UNNAMED_PUBLIC = {"", "draws/<slug:campaign_id>/", "admin/(?P<url>.*)$"}
SAMPLES = {"int": "987654", "str": "nothing", "slug": "nothing", "path": "987654"}


def addresses(
    patterns: list[URLPattern | URLResolver], before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern


def guarded() -> list[tuple[str, URLPattern]]:
    found = addresses(get_resolver().url_patterns)
    return [
        (route, one)
        for route, one in found
        if one.name not in PUBLIC and route not in UNNAMED_PUBLIC
    ]


def filled(route: str) -> str:
    """The route with samples for its parameters: `admin/job/<int:pk>/` → `/admin/job/987654/`."""
    app_list = route.partition("^(?P<app_label>")
    if app_list[1]:
        return f"/{app_list[0]}campaigns/"
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], route)


@pytest.fixture
def bare_error_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they show has its tests: drawing them hundreds of times is most of a walk's time."""
    bare = lambda request, words, status, **more: HttpResponse(status=status)  # noqa: E731
    monkeypatch.setattr(error_pages, "page", bare)


def test_nobody_sees_a_page_without_signing_in():
    for route, _ in guarded():
        for answer in (Client().get(filled(route)), Client().post(filled(route))):
            assert answer.status_code == 302, route
            assert answer.headers["Location"].startswith("/admin/login/"), route


def test_o5_without_a_role_every_address_of_the_site_says_so(monkeypatch):
    """The page itself: tests/console/sign_in/test_site.py."""
    said = HttpResponse("no role", status=403)
    monkeypatch.setattr(FairwaveSite, "without_role", lambda site, request: said)
    client = client_of(User.objects.create_user("newcomer"))
    for route, _ in guarded():
        assert client.get(filled(route)).content == b"no role", route


def test_a_role_without_the_permission_of_a_page_does_not_open_it(bare_error_pages):
    client = client_of(staff("newcomer", "contenttypes.view_contenttype"))
    for route, pattern in guarded():
        if pattern.name in FOR_ALL_STAFF:
            continue
        answer = client.get(filled(route))
        # Of a row that is not there Django's own pages say so before they ask, and old addresses
        # lead to new ones.
        away = answer.status_code == 302 and answer.headers["Location"] in (
            "/admin/",
            f"{filled(route)}change/",
        )
        assert answer.status_code in (403, 404, 405) or away, f"{route}: {answer.status_code}"
        if answer.status_code == 405:
            assert client.post(filled(route)).status_code == 403, route


def test_each_page_of_the_console_opens_with_its_permissions_and_with_none_less(bare_error_pages):
    pages = [
        (route, one.callback.permissions)
        for route, one in guarded()
        if hasattr(one.callback, "permissions")
    ]
    assert len(pages) > 30
    for number, (route, permissions) in enumerate(pages):
        if route == "admin/now/":
            continue
        assert permissions, f"{route} asks for no permission"
        knows = client_of(staff(f"full-{number}", *permissions))
        assert 403 not in {
            knows.get(filled(route)).status_code,
            knows.post(filled(route)).status_code,
        }, route
        for missing in permissions:
            rest = [permission for permission in permissions if permission != missing]
            client = client_of(staff(f"less-{number}-{missing}", *rest))
            assert client.post(filled(route)).status_code in (
                403,
                405,
            ), f"{route} without {missing}"
            assert client.get(filled(route)).status_code in (403, 405), f"{route} without {missing}"


def test_what_changes_something_refuses_to_be_fetched():
    client = client_of(User.objects.create_superuser("root-like"))
    verbs = (
        "open",
        "close",
        "entropy",
        "undo",
        "start",
        "activate",
        "download",
        "approve",
        "schedule",
        "trigger",
        "pause",
    )
    verbs += ("resume", "retry", "cancel", "reset", "stop-all", "unschedule", "replay")
    walked = 0
    for route, pattern in guarded():
        if hasattr(pattern.callback, "permissions") and any(
            str(pattern.name).startswith(verb) for verb in verbs
        ):
            assert client.get(filled(route)).status_code == 405, route
            walked += 1
    assert walked >= 21


def test_pages_are_kept_by_no_cache_and_carry_the_content_security_policy():
    answer = client_of(staff("somebody", "operations.view_job")).get("/admin/operations/job/")
    assert (
        "no-store" in answer.headers["Cache-Control"]
        or "no-cache" in answer.headers["Cache-Control"]
    )
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_live_part_of_somebody_signed_out_loads_the_page_again_instead_of_holding_the_login_page():
    for address in ("/admin/now/", "/admin/job/1/live/", "/admin/wave/x/live/"):
        answer = Client().get(address, headers={"HX-Request": "true"})
        assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")


def test_the_first_page_renews_its_parts_without_the_frame_around_them():
    html = client_of(staff("looker", "operations.view_job")).get("/admin/now/").content.decode()
    assert "All jobs" in html
    assert "<html" not in html
    assert "All alerts" not in html
