"""What the site says instead of a page: not found, not permitted, not understood, failed. For
people who are signed in it stands inside the site, with its navigation; for others it is a page
without any. [O-4, O-7]
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.template.loader import render_to_string

from datalake.storage.objects import BucketUnreachable
from operations import correlation
from operations.entry.values import is_unfit

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 60  # while the bucket does not answer
ALREADY_FAILED: Final = "_error_page_was_shown"
OPERATORS: Final = "/admin/"  # a stranger who asks for these pages may want to log in


@dataclass(frozen=True)
class Words:
    """The title of an error page and what to do."""

    title: str
    advice: str


BAD_REQUEST: Final = Words(
    "This request could not be read",
    "Go back, correct the address or the form, and try again. Nothing was changed.",
)
NOT_PERMITTED: Final = Words(
    "You do not have permission to see this page",
    "Your role does not include this permission. Ask an administrator if you need it.",
)
NOT_FOUND: Final = Words(
    "Page not found",
    "The page may have been removed, or the address may be wrong. Check the address, or go back to"
    " the page that led here.",
)
WRONG_METHOD: Final = Words(
    "This address is not a page",
    "It is used by a button or a form. Go to the page with that button and use it there. Nothing"
    " was changed.",
)
TOO_LARGE: Final = Words(
    "The form is too large",
    "Nothing was changed. Enter less text, or upload it as a file.",
)
EXPIRED: Final = Words(
    "This form has expired",
    "Nothing was changed. Go back, reload the page, and send the form again. This happens after"
    " you log in or out in another tab.",
)
NO_COOKIES: Final = Words(
    "Your browser blocks cookies",
    "Nothing was changed. Allow cookies for this site, reload the page, and send the form again.",
)
FAILED: Final = Words(
    "Something went wrong",
    "The error was logged. Try again. If it happens again, send the number below to the"
    " administrator of this site, and write what you did.",
)
UNREACHABLE: Final = Words(
    "Storage can’t be reached right now",
    "This page needs a file in the bucket, which doesn’t answer. Your changes may not have been"
    " saved. Try again in a few minutes.",
)
TOO_OFTEN: Final = Words("Too many requests", "Wait a moment, then load the page again.")
OF_STATUS: Final = {
    400: BAD_REQUEST,
    403: NOT_PERMITTED,
    405: WRONG_METHOD,
    413: TOO_LARGE,
    429: TOO_OFTEN,
}
KEPT: Final = ("Allow", "Retry-After", "Cache-Control")  # headers of what a page takes the place of


class ErrorPagesMiddleware:
    """An error that is answered with a line of text or with nothing becomes a page for browsers.
    Machines, which do not ask for HTML, get what they got.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        words = OF_STATUS.get(response.status_code)
        if words is None or not _is_browser(request) or not _is_bare(response):
            return response
        detail = response.content.decode(response.charset, "replace").strip()
        shown = page(request, words, response.status_code, detail=detail)
        for name in KEPT:
            if name in response.headers:
                shown.headers[name] = response.headers[name]
        return shown

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page that cannot do without the bucket says so while the bucket is away. [S-1]"""
        if not isinstance(error, BucketUnreachable):
            return None
        logger.warning("bucket out of reach for a page", extra={"path": request.path})
        response = page(request, UNREACHABLE, HTTPStatus.SERVICE_UNAVAILABLE)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def page(
    request: HttpRequest, words: Words, status: int, *, detail: str = "", plain: bool = False
) -> HttpResponse:
    """An error page, inside the site for people who are signed in to it. The `plain` one is as for
    strangers: it asks no database.
    """
    is_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    context = {
        "words": words,
        "title": words.title,
        "detail": detail,
        "correlation_id": correlation.current() if is_fault else "",
        "of_operators": request.path.startswith(OPERATORS),
    }
    if not plain and _is_signed_in(request):
        everywhere = admin.site.each_context(request)
        html = render_to_string("console/error.html", {**everywhere, **context}, request)
        return HttpResponse(html, status=status)
    return _page_for_strangers(request, context, status)


def _page_for_strangers(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    response = HttpResponse(render_to_string("error.html", context), status=status)
    without_scripts = csp_replace(settings.PUBLIC_CONTENT_SECURITY_POLICY)
    return cast("HttpResponse", without_scripts(lambda _: response)(request))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if isinstance(exception, RequestDataTooBig):
        return page(request, TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    has_too_many = isinstance(exception, TooManyFieldsSent | TooManyFilesSent)
    return page(request, TOO_LARGE if has_too_many else BAD_REQUEST, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return page(request, NOT_PERMITTED, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return page(request, NOT_FOUND, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Where the page itself fails, as without a database, Django asks again:
    then it is the plain one.
    """
    again = hasattr(request, ALREADY_FAILED)
    setattr(request, ALREADY_FAILED, True)
    return page(request, FAILED, HTTPStatus.INTERNAL_SERVER_ERROR, plain=again)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: an old page, or a browser without cookies."""
    words = NO_COOKIES if reason == REASON_NO_CSRF_COOKIE else EXPIRED
    return page(request, words, HTTPStatus.FORBIDDEN)


def _is_signed_in(request: HttpRequest) -> bool:
    """Whether the site's navigation is theirs. A cookie that no row can hold names no session."""
    readable = not any(is_unfit(name + value) for name, value in request.COOKIES.items())
    return readable and hasattr(request, "user") and admin.site.has_permission(request)


def _is_browser(request: HttpRequest) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _is_bare(response: HttpResponse) -> bool:
    """A line of text, or nothing."""
    return not response.streaming and (
        not response.content or response.headers.get("Content-Type", "").startswith("text/plain")
    )
