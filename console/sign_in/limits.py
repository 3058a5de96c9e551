"""How many failed sign-ins are allowed, and until when the next try waits. Pure. [O-7]

Three counters are kept of each attempt:
- of its *place*: the user name together with the browser, if that user signed in there before, else
  together with the address;
- of its *address*, over all user names;
- of its *account*: the user name, over all places where that user has not signed in before.

A browser that is known to the user answers for itself alone: what strangers do elsewhere, or behind
the same address, never blocks it. An account that is guessed at from many addresses leaves each of
them one try a day instead of five in a quarter of an hour, so guessing is slow and yet somebody at
a new browser who types the right password gets in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True)
class Limit:
    """`failures` in a `window` block for as long again, counted from the last one."""

    failures: int
    window: timedelta


PLACE: Final = Limit(5, timedelta(minutes=15))
ADDRESS: Final = Limit(20, timedelta(minutes=15))
ACCOUNT: Final = Limit(30, timedelta(hours=1))
ONE_TRY_IN: Final = timedelta(days=1)  # for a place, while its account is guessed at
KEPT: Final = ONE_TRY_IN  # after that a counter says nothing any more


@dataclass(frozen=True)
class Counter:
    """Failures since the time `since`, the last one at `last_at`."""

    failures: int = 0
    since: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True)
class Counters:
    """Those of one attempt; a browser that is known has only its place."""

    place: Counter
    address: Counter | None = None
    account: Counter | None = None


def next_try_at(counters: Counters, now: datetime) -> datetime | None:
    """When this attempt may be made; None if now."""
    place, address, account = counters.place, counters.address, counters.account
    waits = [blocked_until(place, PLACE, now)]
    if address is not None:
        waits.append(blocked_until(address, ADDRESS, now))
    is_guessed_at = account is not None and blocked_until(account, ACCOUNT, now)
    if is_guessed_at and place.last_at is not None and now < place.last_at + ONE_TRY_IN:
        waits.append(place.last_at + ONE_TRY_IN)
    return max((at for at in waits if at is not None), default=None)


def blocked_until(counter: Counter, limit: Limit, now: datetime) -> datetime | None:
    """Until when what is counted here is blocked; None if it is not."""
    if counter.last_at is None or counter.failures < limit.failures:
        return None
    until = counter.last_at + limit.window
    return until if now < until else None


def with_failure(counter: Counter, limit: Limit, now: datetime) -> Counter:
    """The counter after one more failure. What is older than the window no longer counts."""
    is_full = counter.failures >= limit.failures
    begun = counter.last_at if is_full else counter.since
    if begun is None or now >= begun + limit.window:
        return Counter(failures=1, since=now, last_at=now)
    return replace(counter, failures=counter.failures + 1, last_at=now)


def waiting_time(seconds: float) -> str:
    """For people, never too short: `1 minute`, `15 minutes`, `3 hours`."""
    minutes = max(1, -int(-seconds // 60))
    if minutes < 120:
        return f"{minutes} minute" + ("s" if minutes > 1 else "")
    return f"{-(-minutes // 60)} hours"
