"""The id that goes through request, job, log line, stream record and provider call. [O-4]"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

HEADER = "X-Correlation-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")

_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """The correlation id of what is running now; empty outside any request or job."""
    return _current.get()


def new_id() -> str:
    return str(uuid.uuid4())


@contextmanager
def correlated(correlation_id: str = "") -> Iterator[str]:
    """Everything inside carries this correlation id (a fresh one if none is given)."""
    token = _current.set(correlation_id or _current.get() or new_id())
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def carry_on(correlation_id: str) -> None:
    """A new thread continues under its parent's id."""
    _current.set(correlation_id)


class CorrelationMiddleware:
    """Gives every request a correlation id and sends it back, so that a screenshot leads to the
    log.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        with correlated(given if WELL_FORMED.fullmatch(given) else new_id()) as correlation_id:
            response = self.get_response(request)
        response.headers[HEADER] = correlation_id
        return response
