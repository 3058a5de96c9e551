"""A large object of which only parts are read, each by a request of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, cast

AT_LEAST = 1 << 18  # bytes of a request: a request takes longer than these do


class _Parts(io.RawIOBase):
    """`fetch` gives the bytes from one place up to another."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size, self._fetch, self._at = size, fetch, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        found = self._fetch(self._at, end)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def read_in_parts(size: int, fetch: Callable[[int, int], bytes]) -> BinaryIO:
    """An object of `size` bytes as a file."""
    return cast("BinaryIO", io.BufferedReader(_Parts(size, fetch), AT_LEAST))
