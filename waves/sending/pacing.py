"""How fast, how many at once, whether again, and when to stop: decisions only. Clock and chance are
arguments.

The rate is guaranteed for every rolling second and over all workers (N-2). Permits are instants on
one clock, the database's, `spacing` apart; a permit is used at its instant or up to LATENESS later,
else it is lost. Requests that start in one second then hold permits of at most 1 + LATENESS
seconds; the rest of GUARD covers delays of the network.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from waves.providers.outcomes import Kind, Outcome

GUARD_SECONDS: Final = 0.05  # the cost of the guarantee: 1/1.05 of the configured rate is reached
LATENESS_SECONDS: Final = 0.025
ROUNDING_SECONDS: Final = 1e-5  # seconds since 1970 have no more digits than that to spare
BLOCK_SECONDS: Final = 0.2  # permits are taken from the database this far ahead

MOST_TRIES: Final = 3
FIRST_BACK_OFF_SECONDS: Final = 1.0
LONGEST_BACK_OFF_SECONDS: Final = 60.0

BUDGET_ATTEMPTS: Final = 200
BUDGET_SECONDS: Final = 10.0
FEWEST_TO_JUDGE: Final = 20


def spacing(per_second: int) -> float:
    """Seconds between two permits, so that no rolling second sees more than `per_second` requests
    start. [N-2]
    """
    return (1 + GUARD_SECONDS) / per_second


def block_size(per_second: int, wanted: int | None = None) -> int:
    """How many permits to take at once: BLOCK_SECONDS' worth, or less if fewer are wanted, but at
    least one.
    """
    most = math.ceil(BLOCK_SECONDS / spacing(per_second))
    return max(1, most if wanted is None else min(wanted, most))


@dataclass(frozen=True)
class Permits:
    """`count` permits, `spacing` seconds apart, the first at `first` on this worker's clock."""

    first: float
    spacing: float
    count: int

    def fresh(self, now: float) -> Permits:
        """The ones that are not too late by now."""
        late = now - LATENESS_SECONDS - self.first
        if late <= 0 or not self.count:
            return self
        lost = min(self.count, math.ceil(late / self.spacing))
        return Permits(self.first + lost * self.spacing, self.spacing, self.count - lost)

    def wait(self, now: float) -> float:
        """Seconds until the first one may be used; 0 when it may be now."""
        return max(0.0, self.first - now)

    def rest(self) -> Permits:
        """What is left after the first one was used."""
        return Permits(self.first + self.spacing, self.spacing, self.count - 1)


NO_PERMITS: Final = Permits(0.0, 0.0, 0)


@dataclass(frozen=True)
class ClockBounds:
    """What is known of (this worker's clock − the database's), from question-and-answer times; both
    in seconds.
    """

    low: float = -math.inf
    high: float = math.inf

    def narrowed(self, before: float, theirs: float, after: float) -> ClockBounds:
        """Asked at `before`, answered `theirs`, received at `after`. A clock that was set makes us
        start afresh.
        """
        low, high = max(self.low, before - theirs), min(self.high, after - theirs)
        if low > high + ROUNDING_SECONDS:
            return ClockBounds(before - theirs, after - theirs)
        return ClockBounds(min(low, high), max(low, high))

    def latest(self, theirs: float) -> float:
        """Our time at their instant, or later, never earlier."""
        return theirs + self.high


def share(limit: int, *, held_by_others: int, workers: int) -> int:
    """How many requests one of `workers` may have in flight, of `limit` over all: a fair part, as
    far as it is free. [N-2]

    A worker that has more in flight than this starts none until it is below, and holds what it has
    till then.
    """
    return max(0, min(max(1, limit // max(1, workers)), limit - held_by_others))


@dataclass(frozen=True)
class NextState:
    """The row's next state, as `SendState` spells it, and when it may be tried again (seconds from
    now).
    """

    state: str
    reason: str
    tries: int
    maybe_accepted: bool
    wait_seconds: float = 0.0


def next_send_state(
    outcome: Outcome, *, tries: int, maybe_accepted: bool, honours_keys: bool, chance: float
) -> NextState:
    """The row after an attempt. [N-3]

    `tries` counts the earlier attempts that failed, `maybe_accepted` is true if one of them may
    have reached the provider, `chance` lies in [0, 1). A message that may have been accepted is
    never called failed: it becomes unknown. [N-4]
    """
    if outcome.kind == Kind.SENT:
        return NextState("sent", "", tries, maybe_accepted)
    if outcome.kind == Kind.RATE_LIMITED:
        return NextState("pending", outcome.reason, tries, maybe_accepted, outcome.after_seconds)
    uncertain = maybe_accepted or outcome.kind == Kind.UNCERTAIN
    tried = NextState("unknown" if uncertain else "failed", outcome.reason, tries + 1, uncertain)
    repeatable = outcome.kind == Kind.RETRY_LATER or (
        outcome.kind == Kind.UNCERTAIN and honours_keys
    )
    if not repeatable or tried.tries >= MOST_TRIES:
        return tried
    return replace(
        tried,
        state="pending",
        wait_seconds=max(outcome.after_seconds, back_off(tried.tries, chance)),
    )


def back_off(tries: int, chance: float) -> float:
    """Seconds before the next attempt: doubling, with half of it left to chance so that a crowd
    spreads out.
    """
    longest: float = min(LONGEST_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2.0 ** (tries - 1))
    return longest * (0.5 + chance / 2)


class ErrorBudget:
    """Sending stops when more than half of the last 200 attempts, or of those of the last 10
    seconds, failed. [N-6]

    Fewer than FEWEST_TO_JUDGE attempts are no evidence. Answers about our own pace (429) are no
    failures and are not noted.
    """

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=BUDGET_ATTEMPTS)
        self._recent: deque[tuple[float, bool]] = deque()
        self._failed_last = 0
        self._failed_recent = 0

    def note(self, now: float, *, failed: bool) -> None:
        if len(self._last) == BUDGET_ATTEMPTS:
            self._failed_last -= self._last[0]
        self._last.append(failed)
        self._failed_last += failed
        self._recent.append((now, failed))
        self._failed_recent += failed
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] <= now - BUDGET_SECONDS:
            self._failed_recent -= self._recent.popleft()[1]

    def exhausted(self, now: float) -> bool:
        """True when sending to this provider has to pause."""
        self._forget(now)
        many = len(self._last) == BUDGET_ATTEMPTS and self._failed_last * 2 > BUDGET_ATTEMPTS
        recent = len(self._recent) >= FEWEST_TO_JUDGE and self._failed_recent * 2 > len(
            self._recent
        )
        return many or recent
