"""Decisions about rate, concurrency, retries and the error budget. [N-2, N-3, N-6]"""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.behaviour import most_in_a_second
from waves.providers.outcomes import Kind, Outcome
from waves.sending import pacing
from waves.sending.pacing import Permits

EXAMPLES = 2_000 if os.environ.get("FAIRWAVE_FULL") else 60
WORKERS = 3


class Account:
    """The database's side of the permits: one instant up to which they are given out."""

    def __init__(self, per_second: int) -> None:
        self.per_second, self.until = per_second, 0.0
        self.starts: list[float] = []

    def take(self, now: float) -> Permits:
        count = pacing.block_size(self.per_second)
        first = max(self.until, now)
        self.until = first + count * pacing.spacing(self.per_second)
        return Permits(first, pacing.spacing(self.per_second), count)


class Worker:
    """A sender that always has work, and looks when it is told to."""

    def __init__(self, account: Account) -> None:
        self.account, self.pace = account, pacing.Pace(account.per_second)
        self.given_until = -1.0

    def look(self, now: float) -> float:
        """Start all that may start now. Returns the seconds until the next look."""
        while (wait := self.pace.wait(now)) == 0:
            self.pace.use()
            self.pace.note_start(now)
            self.account.starts.append(now)
        while self.pace.wants_more(now):
            permits = self.account.take(now)
            self.pace.add(permits, follows=permits.first == self.given_until)
            self.given_until = permits.until
        return pacing.BLOCK_SECONDS if wait is None else wait


def starts_of_a_run(per_second: int, looks: list[tuple[int, float, float]]) -> list[float]:
    """When workers start requests, who wake late, and each of whom stalls now and then. `looks`:
    how many looks follow each other, how late each of them is, and how long the last one stalls;
    seconds.
    """
    account = Account(per_second)
    workers, due = [Worker(account) for _ in range(WORKERS)], [0.0] * WORKERS
    for number, (count, late, stall) in enumerate(looks):
        for look in range(count):
            worker = min(range(WORKERS), key=due.__getitem__)
            now = due[worker]
            due[worker] = now + workers[worker].look(now) + late
            if look == count - 1:
                due[number % WORKERS] += stall
    return account.starts


@settings(max_examples=EXAMPLES)
@given(
    per_second=st.integers(1, 300),
    looks=st.lists(
        st.tuples(st.integers(1, 60), st.floats(0, 0.02), st.sampled_from([0, 0.03, 0.2, 1.5])),
        min_size=1,
        max_size=20,
    ),
)
def test_n2_no_rolling_second_sees_more_starts_than_the_rate_whatever_workers_and_stalls(
    per_second, looks
):
    assert most_in_a_second(starts_of_a_run(per_second, looks)) <= per_second


def run_of_one(per_second: int, seconds: float, *, late: float, stall: float = 0.0) -> list[float]:
    """The starts of a worker alone with the account, who wakes so late, and stalls so long each
    third of a second.
    """
    account = Account(per_second)
    worker, now, stalled = Worker(account), 0.0, 0
    while now < seconds:
        now += worker.look(now) + late
        if now * 3 > stalled:
            stalled, now = math.ceil(now * 3), now + stall
    return account.starts


@pytest.mark.parametrize("stall", [0.0, 0.03])
@pytest.mark.parametrize("per_second", [50, 200, 1_000])
def test_n2_a_worker_with_work_reaches_98_of_100_from_the_fifth_second_on(per_second, stall):
    starts = run_of_one(per_second, 12.0, late=0.002, stall=stall)
    for first in range(5, 11):
        in_it = sum(first <= start < first + 1 for start in starts)
        assert in_it >= 0.98 * per_second
    assert most_in_a_second(starts) <= per_second


def test_n2_what_is_late_is_lost_where_others_may_have_permits_too():
    pace = pacing.Pace(100)
    pace.add(Permits(first=10.0, spacing=0.01, count=5), follows=False)
    assert pace.wait(10.0) == 0
    assert pace.wait(10.0 + pacing.LATENESS_SECONDS + 0.015) == 0
    assert pace.at_hand() == 3
    assert pace.wait(99.0) is None


def test_n3_nothing_starts_before_the_time_that_a_provider_asked_for():
    pace = pacing.Pace(100)
    pace.hold(10.02)
    pace.add(Permits(first=10.0, spacing=0.01, count=5), follows=False)
    assert pace.wait(10.0) == pytest.approx(0.02)
    assert pace.at_hand() == 3


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
        (Kind.UNDELIVERABLE, 0, True, True, "undeliverable"),
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


def test_n6_failures_before_the_last_200_attempts_are_forgotten():
    slow = 60.0
    failed = [(n * slow, True) for n in range(200)]
    well = [(n * slow, False) for n in range(200, 400)]
    assert budget_after(failed).exhausted(200 * slow)
    assert not budget_after([*failed, *well]).exhausted(400 * slow)
