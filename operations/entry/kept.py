"""A value for many requests: made once, and again when it is some seconds old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """One thread makes the value; others get the last one meanwhile. Before there is a first one
    they wait.
    """

    def __init__(
        self, make: Callable[[], T], *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make, self._seconds, self._clock = make, seconds, clock
        self._making = threading.Lock()
        self._kept: tuple[T, float] | None = None

    def get(self) -> tuple[T, float]:
        """The value and its age in seconds: more than it is kept for only while another thread
        makes the next one.
        """
        kept = self._fresh()
        if kept is None and self._making.acquire(blocking=self._kept is None):
            try:
                kept = self._fresh() or self._made()
            finally:
                self._making.release()
        value, at = kept or self._kept or self._made()
        return value, self._clock() - at

    def forget(self) -> None:
        """The next request makes the value."""
        self._kept = None

    def _fresh(self) -> tuple[T, float] | None:
        kept = self._kept
        return kept if kept and self._clock() - kept[1] < self._seconds else None

    def _made(self) -> tuple[T, float]:
        self._kept = kept = (self._make(), self._clock())
        return kept
