"""One thread beside the caller's, for work that waits on PostgreSQL or on the disk while Python computes."""

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from django.db import connection

from operations import correlation

Item = TypeVar("Item")
TURN_SECONDS = 0.0005


@contextmanager
def quick_turns() -> Iterator[None]:
    """Meanwhile a thread that computes in Python lets others on after half a millisecond, not after five.

    Stages that work side by side compute outside of Python and need it for moments only: 5 % less time for a score file.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def helper_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread that carries the caller's correlation id. [O-4]

    At the end its work is waited for and its database connection closed.
    """
    carry_on = correlation.carry_on
    with ThreadPoolExecutor(1, thread_name_prefix=name, initializer=carry_on, initargs=(correlation.current(),)) as executor:
        try:
            yield executor
        finally:
            executor.submit(lambda: connection.close())


def one_ahead(executor: ThreadPoolExecutor, items: Iterable[Item]) -> Iterator[Item]:
    """The items, each next one already in the making while the caller works on this one. Raises what making them raises."""
    making = iter(items)

    def make_one() -> list[Item]:
        return list(islice(making, 1))

    coming = executor.submit(make_one)
    while found := coming.result():
        coming = executor.submit(make_one)
        yield found[0]
