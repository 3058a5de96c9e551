"""One thread beside the caller's, for work that waits on PostgreSQL or on the disk while Python
computes.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from django.db import connection

from operations import correlation

Item = TypeVar("Item")
Result = TypeVar("Result")
TURN_SECONDS = 0.0005
COLLECT_AFTER = 50_000


@contextmanager
def quick_turns() -> Iterator[None]:
    """Meanwhile a thread that computes in Python lets others on after half a millisecond, not after
    five.

    Stages that work side by side compute outside of Python and need it for moments only: 5 % less
    time for a score file.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Meanwhile the garbage collector looks for cycles after 50,000 new objects, not after 700.

    Work that makes many short-lived dictionaries and no cycles is looked through in vain: 15 % of
    the time of change events.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def helper_thread(name: str, *, threads: int = 1) -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread that carries the caller's correlation id. [O-4]

    At the end its work is waited for and its database connection closed. Work for several threads
    must not use the database.
    """
    carry_on = correlation.carry_on
    with ThreadPoolExecutor(
        threads, thread_name_prefix=name, initializer=carry_on, initargs=(correlation.current(),)
    ) as executor:
        try:
            yield executor
        finally:
            executor.submit(lambda: connection.close())


def in_order(
    executor: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    at_once: int,
) -> Iterator[Result]:
    """What the work makes of each item, in the order of the items; so many are in the making at
    once. Raises what it raises.
    """
    making: deque[Future[Result]] = deque()
    for item in items:
        making.append(executor.submit(work, item))
        if len(making) == at_once:
            yield making.popleft().result()
    while making:
        yield making.popleft().result()


def one_ahead(executor: ThreadPoolExecutor, items: Iterable[Item]) -> Iterator[Item]:
    """The items, each next one already in the making while the caller works on this one. Raises
    what making them raises.
    """
    making = iter(items)

    def make_one() -> list[Item]:
        return list(islice(making, 1))

    coming = executor.submit(make_one)
    while found := coming.result():
        coming = executor.submit(make_one)
        yield found[0]
