"""Waiting for a condition. The limit is generous: only something that is broken reaches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_SECONDS = 300.0
LOOK_SECONDS = 0.005


def wait_until(condition: Callable[[], T], what: str) -> T:
    """The first true value that `condition` gives. `what` says what is waited for, should it never
    come. A condition may raise to end the waiting.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {LIMIT_SECONDS:.0f} s in vain: {what}")
        time.sleep(LOOK_SECONDS)
    return value
