"""A helper thread, for work that waits for PostgreSQL or the disk while Python computes."""

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
from operations.database import sessions

Item = TypeVar("Item")
Result = TypeVar("Result")
SWITCH_SECONDS = 0.0005
COLLECT_AFTER = 50_000


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Python switches between threads after half a millisecond instead of five.

    Stages that run in parallel compute outside of Python and need the interpreter only for moments:
    5 % less time for a score file.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """The garbage collector looks for cycles after 50,000 new objects instead of 700.

    Work that makes many short-lived dictionaries and no cycles gains nothing from it: it took 15 %
    of the time of change events.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def helper_thread(name: str, *, threads: int = 1) -> Iterator[ThreadPoolExecutor]:
    """An executor of one thread that carries the caller's correlation id, and works for the
    caller's attempt. [O-4, O-6]

    At the end it waits for its work and closes its database connection. Work for several threads
    must not use the database.
    """
    carried = (correlation.current(), sessions.current())
    with ThreadPoolExecutor(
        threads, thread_name_prefix=name, initializer=_carry_on, initargs=carried
    ) as executor:
        try:
            yield executor
        finally:
            executor.submit(lambda: connection.close())


def _carry_on(correlation_id: str, attempt: str) -> None:
    correlation.carry_on(correlation_id)
    sessions.carry_on(attempt)


def in_order(
    executor: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    at_once: int,
) -> Iterator[Result]:
    """The result of the work for each item, in the order of the items; `at_once` items are in work
    at a time. Raises what the work raises.
    """
    pending: deque[Future[Result]] = deque()
    for item in items:
        pending.append(executor.submit(work, item))
        if len(pending) == at_once:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def prefetched(executor: ThreadPoolExecutor, items: Iterable[Item]) -> Iterator[Item]:
    """The items; the thread makes the next one while the caller works on this one. Raises what
    making them raises.
    """
    iterator = iter(items)

    def make_one() -> list[Item]:
        return list(islice(iterator, 1))

    coming = executor.submit(make_one)
    while made := coming.result():
        coming = executor.submit(make_one)
        yield made[0]
