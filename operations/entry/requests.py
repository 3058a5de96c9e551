"""The door of the site: what no page can read, and no row can keep, is answered 400 before any page
sees it.

A NUL in an address, a cookie or a form ends a query with an error; a charset of the request's own
choice makes lone surrogates out of honest bytes, or is no text encoding at all.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.utils.http import parse_header_parameters

from operations.entry import addresses
from operations.entry.values import UNFIT_TEXT, is_unfit, shown

CHARSETS = ("utf-8", "ascii")
FORWARDED = "HTTP_X_FORWARDED_FOR"


class SiteRequest(WSGIRequest):
    """A request whose text is UTF-8. Django's own reads the address by whatever charset a request
    names, before any middleware could answer what comes of it.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(
                meta.get("CONTENT_TYPE", "")
            )
        except (ValueError, LookupError):  # encoded as nobody can read it
            self.content_type, self.content_params = "", {"charset": "unknown"}


class IncomingMiddleware:
    """Stands behind the CSRF check, which reads a form's fields first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        complaint = complaint_of(request)
        return refused(complaint) if complaint else self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *arguments: Any
    ) -> HttpResponse | None:
        """A form's fields, where the view takes forms: a body that is signed is its view's."""
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        complaint = next(_unfit(request.POST), None)
        return refused(complaint) if complaint else None


def complaint_of(request: HttpRequest) -> str | None:
    """What is wrong with the request beside its body, naming where it stands; None if nothing."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if _encoding(charset) not in CHARSETS:
        return f"Content-Type: the charset {shown(charset)} is not UTF-8."
    if is_unfit(request.path_info):
        return "The address contains a NUL or an incomplete character. Remove it."
    for name, value in request.COOKIES.items():
        if is_unfit(name + value):
            return f"Cookie {shown(name)}: the value contains a NUL. Delete the cookie."
    return next(_unfit(request.GET), None)


def _encoding(charset: str) -> str:
    """Its usual name, whatever the spelling; empty where there is none."""
    try:
        return codecs.lookup(charset).name
    except (LookupError, ValueError):
        return ""


def _unfit(values: QueryDict) -> Iterator[str]:
    for name, held in values.lists():
        if any(is_unfit(text) for text in (name, *held)):
            yield f"{shown(name)}: {UNFIT_TEXT}"


def refused(complaint: str) -> HttpResponse:
    return HttpResponseBadRequest(f"{complaint}\n", content_type="text/plain; charset=utf-8")


def client_address(request: HttpRequest) -> str:
    """Under what a client's requests are counted: its address as trusted proxies report it, IPv6 by
    its /64. [O-7]
    """
    peer, forwarded = (request.META.get(name, "") for name in ("REMOTE_ADDR", FORWARDED))
    return addresses.counted_as(addresses.client_of(peer, forwarded, settings.TRUSTED_PROXIES))
