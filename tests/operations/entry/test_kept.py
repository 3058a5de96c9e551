"""A value for many requests is made by one of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from operations.entry.kept import Kept
from tests.support.waiting import wait_until


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_made_again_when_it_is_too_old():
    clock, numbers = Clock(), iter(range(9))
    kept = Kept(lambda: next(numbers), seconds=5, clock=clock)
    assert kept.get() == (0, 0)
    clock.now += 4.9
    assert kept.get()[0] == 0
    clock.now += 0.1
    assert kept.get() == (1, 0)
    kept.forget()
    assert kept.get() == (2, 0)


def test_one_makes_the_first_value_and_the_others_wait_for_it():
    made, go_on = [], threading.Event()

    def make() -> int:
        made.append(1)
        go_on.wait()
        return len(made)

    kept = Kept(make, seconds=5, clock=Clock())
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(kept.get) for _ in range(8)]
        wait_until(lambda: made, "the first one at work")
        assert not any(one.done() for one in asked)
        go_on.set()
        assert {one.result() for one in asked} == {(1, 0)}
    assert made == [1]


def test_while_one_makes_the_next_value_the_others_get_the_last_with_its_age():
    clock, at_work, go_on = Clock(), threading.Event(), threading.Event()
    kept = Kept(lambda: "old", seconds=5, clock=clock)
    kept.get()

    def make() -> str:
        at_work.set()
        go_on.wait()
        return "new"

    kept._make = make
    clock.now += 40
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept.get)
        at_work.wait()
        others = [pool.submit(kept.get) for _ in range(3)]
        try:
            wait_until(lambda: all(each.done() for each in others), "answers meanwhile")
        finally:
            go_on.set()
        assert [each.result() for each in others] == 3 * [("old", 40)]
        assert first.result() == ("new", 0)


def test_a_value_that_could_not_be_made_is_tried_again():
    answers = iter([ZeroDivisionError(), "made"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(make, seconds=5)
    with pytest.raises(ZeroDivisionError):
        kept.get()
    assert kept.get()[0] == "made"
