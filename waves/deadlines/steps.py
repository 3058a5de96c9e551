"""By when each step of a wave has to begin. Pure; every time is an instant, so that clock changes
move nothing. [O-9, W-4]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from waves.choices import WaveState
from waves.preparation.judgement import LEAD_TIME

WARNED_HOURS: Final = (48, 26, 2)  # before the notify date
# What is still to be done in each state; none where a wave is scheduled, sent or given up.
LEFT: Final = {
    **dict.fromkeys(
        (WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED),
        ("prepare", "approve", "schedule"),
    ),
    WaveState.PREPARED: ("approve", "schedule"),
    WaveState.APPROVED: ("schedule",),
}


@dataclass(frozen=True)
class Deadline:
    """One step, the latest time at which it can begin, and whether it is done."""

    step: str
    latest: datetime
    done: bool


def deadlines(state: str, notify_date: datetime) -> list[Deadline]:
    """Of the steps until a wave is scheduled. The preparation begins a day before the notify date;
    approving and scheduling take no time.
    """
    # in UTC: a day by the clocks of a zone has 23 or 25 hours where they change
    left, due = LEFT.get(WaveState(state), ()), notify_date.astimezone(UTC)
    latest = {"prepare": due - LEAD_TIME, "approve": due, "schedule": due}
    return [Deadline(step, at, step not in left) for step, at in latest.items()]


def not_done(state: str) -> Sequence[str]:
    return LEFT.get(WaveState(state), ())


def sending_seconds(messages: int, per_second: int) -> int:
    """How long the messages of a channel take, if the provider keeps up with the rate; whole
    seconds, rounded up. [N-2]
    """
    return math.ceil(messages / per_second)


def due_warning(notify_date: datetime, now: datetime) -> int | None:
    """The smallest of WARNED_HOURS that has been reached; None before the first, and from the
    notify date on.
    """
    left = notify_date - now
    if left <= timedelta():
        return None
    return min((hours for hours in WARNED_HOURS if left <= timedelta(hours=hours)), default=None)
