"""How fast, how many at once, whether again, and when to stop: decisions only. Clock and chance are
arguments.

The rate is guaranteed for every rolling second and over all workers (N-2). Permits are instants on
one clock, the database's, `spacing` apart, and each allows one request at its instant or up to
LATENESS later. So the requests that start in one second have permits of at most 1 + LATENESS
seconds; on their way to the provider they may come closer to each other by ARRIVAL.

What is later still is lost, but not to a sender to whom all permits from a second ago to a second
ahead belong: nobody else starts anything meanwhile, so it makes up for what it missed in the last
second, as far as its own starts allow.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from waves.providers.outcomes import Kind, Outcome

LATENESS_SECONDS: Final = 0.007
ARRIVAL_SECONDS: Final = 0.010
# the cost of the guarantee: 1/1.017 of the configured rate is reached
GUARD_SECONDS: Final = LATENESS_SECONDS + ARRIVAL_SECONDS
ROUNDING_SECONDS: Final = 1e-5  # seconds since 1970 have no more digits than that to spare
BLOCK_SECONDS: Final = 0.2  # so many seconds' permits are taken at once,
AHEAD_SECONDS: Final = 1.1  # while those at hand end before so many seconds have passed

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

    def not_before(self, instant: float) -> Permits:
        """Those of this instant and later ones."""
        if self.first >= instant:
            return self
        over = min(self.count, math.ceil((instant - self.first) / self.spacing))
        return self.rest(over)

    def rest(self, used: int = 1) -> Permits:
        """What is left after the first ones."""
        return Permits(self.first + used * self.spacing, self.spacing, self.count - used)

    @property
    def until(self) -> float:
        """When the next block begins, whoever has it."""
        return self.first + self.count * self.spacing


class Pace:
    """When one sender may start requests, by the blocks of permits that it has got. [N-2]"""

    def __init__(self, per_second: int) -> None:
        self._blocks: deque[Permits] = deque()
        self._starts: deque[float] = deque()  # of the last second, as ARRIVAL lengthens it
        self._per_second = per_second
        self._about_to_start = 0
        self._held_until = -math.inf
        self._ours = (math.inf, -math.inf)  # the last time in which all permits are this sender's

    def add(self, permits: Permits, *, follows: bool) -> None:
        """One more block; `follows`: directly upon the one before, so that nobody else has a permit
        between them.
        """
        since = self._ours[0] if follows else permits.first
        self._ours = since, permits.until
        self._blocks.append(permits)

    def use(self) -> None:
        """A request is about to start, by the oldest permit; ask `wait` first."""
        self._blocks[0] = self._blocks[0].rest()
        self._about_to_start += 1

    def note_start(self, now: float) -> None:
        """One that was about to start does."""
        self._about_to_start -= 1
        self._starts.append(now)

    def hold(self, until: float) -> None:
        """Permits before this instant are lost, also those that are still to come."""
        self._held_until = until

    def at_hand(self) -> int:
        """How many requests may start before another block is needed, if none is late."""
        return sum(block.count for block in self._blocks)

    def wants_more(self, now: float) -> bool:
        """Whether it is time to take another block."""
        return not self._blocks or self._blocks[-1].until < now + AHEAD_SECONDS

    def wait(self, now: float) -> float | None:
        """Seconds until a request may start: 0 is now, None is not before the next block."""
        self._forget(now)
        if not self._blocks:
            return None
        due = self._blocks[0].first
        too_many = len(self._starts) + self._about_to_start - self._per_second
        if too_many >= 0:
            oldest = self._starts[too_many] if too_many < len(self._starts) else now
            due = max(due, oldest + 1.0 + ARRIVAL_SECONDS)
        return max(0.0, due - now)

    def _forget(self, now: float) -> None:
        """Permits that are too late, and starts that are over."""
        since, until = self._ours
        alone = since <= now - LATENESS_SECONDS - 1.0 and now + 1.0 <= until
        oldest = max(self._held_until, now - (1.0 if alone else LATENESS_SECONDS))
        while self._blocks and (self._blocks[0].first < oldest or not self._blocks[0].count):
            left = self._blocks.popleft().not_before(oldest)
            if left.count:
                self._blocks.appendleft(left)
                break
        while self._starts and self._starts[0] <= now - 1.0 - ARRIVAL_SECONDS:
            self._starts.popleft()


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
    if outcome.kind == Kind.UNDELIVERABLE:
        return NextState("undeliverable", outcome.reason, tries, maybe_accepted)
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
