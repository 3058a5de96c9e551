"""Threads beside the caller's: what is made keeps its order, and what fails is raised. [O-4]"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from operations import correlation
from operations.threads import (
    SWITCH_SECONDS,
    helper_thread,
    in_order,
    prefetched,
    short_switch_interval,
)
from tests.support.waiting import LIMIT_SECONDS


def counting(end: int, made: list[int]) -> Iterator[int]:
    for number in range(end):
        made.append(number)
        yield number


def test_the_next_item_is_made_while_this_one_is_worked_on():
    made: list[int] = []
    with helper_thread("make") as maker:
        items = prefetched(maker, counting(3, made))
        assert next(items) == 0
        maker.submit(int).result()
        assert made == [0, 1]
        assert list(items) == [1, 2]


def test_what_is_made_side_by_side_comes_in_the_order_of_the_items_and_no_further_ahead():
    """Of each three, the first is done last."""
    made: list[int] = []
    done = [threading.Event() for _ in range(9)]

    def out_of_order(number: int) -> int:
        if number % 3 == 0:
            done[number + 2].wait(LIMIT_SECONDS)
        done[number].set()
        return -number

    with helper_thread("work", threads=3) as workers:
        results = in_order(workers, out_of_order, counting(9, made), at_once=3)
        assert next(results) == 0
        assert made == [0, 1, 2]
        assert list(results) == [-number for number in range(1, 9)]


@pytest.mark.parametrize("number", [0, 2])
def test_a_fault_in_a_thread_is_raised_where_its_result_is_awaited(number):
    def fail_at(each: int) -> int:
        if each == number:
            raise OSError("disk full")
        return each

    with helper_thread("make") as maker, pytest.raises(OSError, match="disk full"):
        list(prefetched(maker, map(fail_at, range(4))))
    with helper_thread("work", threads=2) as workers, pytest.raises(OSError, match="disk full"):
        list(in_order(workers, fail_at, range(4), at_once=2))


def test_a_thread_carries_the_correlation_id_and_its_name():
    with correlation.correlated("0123456789abcdef"), helper_thread("copy") as thread:
        assert thread.submit(correlation.current).result() == "0123456789abcdef"
        assert thread.submit(lambda: threading.current_thread().name).result().startswith("copy")


def test_turns_are_quick_only_meanwhile():
    before = sys.getswitchinterval()
    with suppress(OSError), short_switch_interval():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        raise OSError("x")
    assert sys.getswitchinterval() == before
