"""Counts of large tables on pages that many people look at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

SLOW_SECONDS, TIMES = 0.1, 10
Name = TypeVar("Name")


def kept(key: str, count: Callable[[], dict[Name, int]]) -> dict[Name, int]:
    """What `count` finds; a slow count is kept for ten times as long as it took, so that counting
    takes a tenth of one processor's time however many people look.
    """
    found: dict[Name, int] | None = cache.get(key)
    if found is None:
        started = time.monotonic()
        found = count()
        took = time.monotonic() - started
        if took > SLOW_SECONDS:
            cache.set(key, found, timeout=TIMES * took)
    return found
