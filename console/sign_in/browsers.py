"""Which browsers a user has signed in with: a signed cookie says so, for half a year. [O-7]

It names no one: users are there as keyed digests, each with a random number for the browser. It
lets nobody in; it only keeps the failures of strangers from counting here.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "known_browser"
KEPT_SECONDS = 180 * 86_400
MOST_USERS = 5  # of one browser
SALT = "fairwave.known_browser"


def browser_of(request: HttpRequest, account: str) -> str | None:
    """The browser's number, if this account has signed in with it."""
    return known_in(request.COOKIES.get(COOKIE, "")).get(account)


def known_in(cookie: str) -> dict[str, str]:
    """Account → the browser's number, as far as we have signed it."""
    try:
        found: Any = signing.loads(cookie, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def remember(request: HttpRequest, response: HttpResponse, account: str) -> None:
    """Let the browser carry that this account has signed in with it."""
    known = known_in(request.COOKIES.get(COOKIE, ""))
    number = known.pop(account, None) or secrets.token_hex(16)
    newest = [*known.items(), (account, number)][-MOST_USERS:]
    response.set_cookie(
        COOKIE,
        signing.dumps(dict(newest), salt=SALT),
        max_age=KEPT_SECONDS,
        path="/admin/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
