"""Decisions about rate, concurrency, retries and the error budget. [N-2, N-3, N-6]"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.behaviour import most_in_a_second
from waves.providers.outcomes import Kind, Outcome
from waves.sending import pacing
from waves.sending.pacing import Permits

EXAMPLES = 2_000 if os.environ.get("FAIRWAVE_FULL") else 60


class Account:
    """The database's side of the permits: one instant up to which they are given out."""

    def __init__(self) -> None:
        self.until = 0.0

    def take(self, now: float, per_second: int, wanted: int) -> Permits:
        count = pacing.block_size(per_second, wanted)
        first = max(self.until, now)
        self.until = first + count * pacing.spacing(per_second)
        return Permits(first, pacing.spacing(per_second), count)


def starts_of_a_run(per_second: int, stalls: list[tuple[int, float]], wanted: int) -> list[float]:
    """When workers start requests that take permits as the sender does, each stalling now and then;
    seconds.
    """
    account, now, starts = Account(), 0.0, []
    held: dict[int, Permits] = {}
    for worker, stall in stalls:
        now += stall
        permits = held.get(worker, pacing.NO_PERMITS).fresh(now)
        if not permits.count:
            permits = account.take(now, per_second, wanted)
        while permits.count and permits.wait(now) == 0:  # all that is due, at once
            starts.append(now)
            permits = permits.rest().fresh(now)
        held[worker] = permits
    return starts


@settings(max_examples=EXAMPLES)
@given(
    per_second=st.integers(1, 300),
    stalls=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 0.4)), min_size=1, max_size=400),
    wanted=st.integers(1, 100),
)
def test_n2_no_rolling_second_sees_more_starts_than_the_rate_whatever_workers_and_stalls(
    per_second, stalls, wanted
):
    assert most_in_a_second(starts_of_a_run(per_second, stalls, wanted)) <= per_second


@pytest.mark.parametrize("per_second", [20, 200, 1_000])
def test_n2_a_worker_that_keeps_up_reaches_the_rate_less_the_guard(per_second):
    steps = [(0, 0.001)] * 10_000
    starts = starts_of_a_run(per_second, steps, wanted=10_000)
    reached = len(starts) / starts[-1]
    assert reached == pytest.approx(per_second / (1 + pacing.GUARD_SECONDS), rel=0.01)


def test_a_permit_that_was_not_used_in_time_is_lost():
    permits = Permits(first=10.0, spacing=0.01, count=5)
    assert permits.fresh(10.0) == permits
    later = permits.fresh(10.0 + pacing.LATENESS_SECONDS + 0.015)
    assert later.count == 3
    assert later.first == pytest.approx(10.02)
    assert permits.fresh(99.0).count == 0


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 500)), min_size=1, max_size=60),
)
def test_n2_workers_that_come_and_stay_never_hold_more_slots_than_the_limit(limit, looks):
    """Each look renews a worker's part; between looks it may have in flight anything up to its
    target.
    """
    held: dict[int, int] = {}
    target: dict[int, int] = {}
    for worker, busy in looks:
        in_flight = min(busy, held.get(worker, 0))
        others = sum(slots for other, slots in held.items() if other != worker)
        workers = len(set(held) | {worker})
        target[worker] = pacing.share(limit, held_by_others=others, workers=workers)
        held[worker] = max(target[worker], in_flight)
        assert sum(held.values()) <= limit


def test_n2_a_newcomer_gets_its_part_once_the_others_made_room():
    assert pacing.share(200, held_by_others=200, workers=2) == 0
    assert pacing.share(200, held_by_others=0, workers=2) == 100
    assert pacing.share(200, held_by_others=100, workers=2) == 100


@given(
    offset=st.floats(-1e6, 1e6),
    questions=st.lists(st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=20),
    instant=st.floats(0, 1_000),
)
def test_our_time_of_an_instant_of_the_database_is_never_early_and_gets_surer(
    offset, questions, instant
):
    bounds, now, theirs = pacing.ClockBounds(), 1_000.0, 1_000.0 - offset
    uncertainty = float("inf")
    for there, back in questions:
        before, now, theirs = now, now + there + back, theirs + there + back
        bounds = bounds.narrowed(before, theirs - back, now)
        assert bounds.high - bounds.low <= uncertainty + 1e-6
        uncertainty = bounds.high - bounds.low
    assert bounds.latest(instant) >= instant + offset - 1e-6


def decide(kind, *, tries=0, maybe_accepted=False, honours_keys=True, after=0.0):
    outcome = Outcome(kind, "why", after_seconds=after)
    return pacing.next_send_state(
        outcome, tries=tries, maybe_accepted=maybe_accepted, honours_keys=honours_keys, chance=0.5
    )


@pytest.mark.parametrize(
    ("kind", "tries", "maybe", "keys", "state"),
    [
        (Kind.SENT, 0, False, True, "sent"),
        (Kind.SENT, 2, True, False, "sent"),
        (Kind.REFUSED, 0, False, True, "failed"),
        (Kind.REFUSED, 0, True, True, "unknown"),
        (Kind.RETRY_LATER, 0, False, True, "pending"),
        (Kind.RETRY_LATER, 1, False, False, "pending"),
        (Kind.RETRY_LATER, 2, False, True, "failed"),
        (Kind.RETRY_LATER, 2, True, True, "unknown"),
        (Kind.UNCERTAIN, 0, False, True, "pending"),
        (Kind.UNCERTAIN, 2, False, True, "unknown"),
        (Kind.UNCERTAIN, 0, False, False, "unknown"),
    ],
)
def test_n3_n4_the_retry_table(kind, tries, maybe, keys, state):
    assert decide(kind, tries=tries, maybe_accepted=maybe, honours_keys=keys).state == state


def test_n3_a_429_uses_no_try_and_waits_as_asked():
    decision = decide(Kind.RATE_LIMITED, tries=2, after=7.0)
    assert (decision.state, decision.tries, decision.wait_seconds) == ("pending", 2, 7.0)


def test_n4_an_uncertain_attempt_is_remembered():
    assert decide(Kind.UNCERTAIN).maybe_accepted
    assert not decide(Kind.RETRY_LATER).maybe_accepted


def test_the_wait_after_a_503_is_at_least_what_it_asked_for():
    assert decide(Kind.RETRY_LATER, after=30.0).wait_seconds == 30.0


@given(st.integers(1, 12), st.floats(0, 1, exclude_max=True))
def test_back_off_doubles_and_leaves_half_to_chance(tries, chance):
    longest = min(pacing.LONGEST_BACK_OFF_SECONDS, pacing.FIRST_BACK_OFF_SECONDS * 2 ** (tries - 1))
    assert longest / 2 <= pacing.back_off(tries, chance) <= longest


def budget_after(results: list[tuple[float, bool]]) -> pacing.ErrorBudget:
    budget = pacing.ErrorBudget()
    for now, failed in results:
        budget.note(now, failed=failed)
    return budget


def test_n6_more_than_half_of_the_last_200_attempts_exhaust_the_budget():
    slow = 60.0  # one a minute, so that the last ten seconds say nothing
    half = [(n * slow, n % 2 == 0) for n in range(200)]
    assert not budget_after(half).exhausted(200 * slow)
    assert budget_after([*half, (200 * slow, True), (201 * slow, True)]).exhausted(202 * slow)


def test_n6_more_than_half_of_ten_seconds_exhaust_the_budget():
    good = [(n * 0.01, False) for n in range(1_000)]
    bad = [(30 + n * 0.1, True) for n in range(pacing.FEWEST_TO_JUDGE)]
    assert budget_after(good + bad).exhausted(31.0)
    assert not budget_after(good + bad[:-1]).exhausted(31.0)
    assert not budget_after(good + bad).exhausted(45.0)


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=600))
def test_n6_the_budget_counts_as_a_plain_reading_of_the_rule(steps):
    now, results = 0.0, []
    for step, failed in steps:
        now += step
        results.append((now, failed))
    last = [failed for _, failed in results[-pacing.BUDGET_ATTEMPTS :]]
    recent = [failed for at, failed in results if at > now - pacing.BUDGET_SECONDS]
    many = len(last) == pacing.BUDGET_ATTEMPTS and sum(last) * 2 > len(last)
    few = len(recent) >= pacing.FEWEST_TO_JUDGE and sum(recent) * 2 > len(recent)
    assert budget_after(results).exhausted(now) == (many or few)
