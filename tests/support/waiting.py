"""Waiting for a condition. The limit is generous: only something that is broken reaches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_SECONDS = 300.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.002, 0.02


def wait_until(condition: Callable[[], T], what: str, *, limit: float = LIMIT_SECONDS) -> T:
    """The first true value that `condition` gives. `what` says what is waited for, should it never
    come. A condition may raise to end the waiting. Most ask the database: the longer it takes, the
    rarer they are asked.
    """
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited > limit:
            raise AssertionError(f"waited {limit:.0f} s in vain: {what}")
        time.sleep(min(max(waited / 10, SHORTEST_PAUSE), LONGEST_PAUSE))
    return value
