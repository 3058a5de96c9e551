"""The id that goes through request, job, log line, stream record and provider call. [O-4]"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
    """A new thread of something that runs goes on under its id."""
    _current.set(correlation_id)
