"""The figures of a campaign, and when a count that is kept is worth counting again. Pure. [O-3]"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

EVERY: Final = timedelta(minutes=5)
LONGEST_REST: Final = timedelta(hours=1)
# Counting takes at most a hundredth of one processor's time, however many rows there are.
TIMES_AS_LONG: Final = 100
CODES: Final = ("free", "reserved", "assigned")
CHANNELS: Final = ("sms", "email")


@dataclass(frozen=True)
class Figures:
    """What is counted of one campaign; the fields are the columns of Snapshot."""

    registered: int = 0
    confirmed: int = 0
    scored: int = 0
    accepted: int = 0
    rejected: int = 0
    rejected_by: Mapping[str, int] = field(default_factory=dict)
    bands: Mapping[str, int] = field(default_factory=dict)
    wanted: Mapping[str, int] = field(default_factory=dict)
    selected: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    messages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def instant_of(now: datetime) -> datetime:
    """The last multiple of five minutes: who looks twice within them finds the same instant."""
    at = now.astimezone(UTC)
    return at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)


def rest(seconds: float, unchanged: int) -> timedelta:
    """How long a count that took `seconds` is kept: it grows with what counting costs, and while
    it finds the same again and again, up to an hour.
    """
    by_change = EVERY * ((1 << min(unchanged, 10)) - 1)
    return max(timedelta(seconds=seconds * TIMES_AS_LONG), min(by_change, LONGEST_REST))


def added_up(waves: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The counts of waves, by `codes`, `sms` and `email`, summed."""
    found: dict[str, Counter[str]] = {name: Counter() for name in ("codes", *CHANNELS)}
    for counts in waves:
        for name, total in found.items():
            total.update(counts.get(name, {}))
    return {name: dict(total) for name, total in found.items()}
