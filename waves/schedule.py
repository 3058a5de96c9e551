"""When a wave goes out: scheduled by a person, triggered once at its notify date however many look,
held when late. [W-11]
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction

from operations.alerts import alert
from waves.approval import void, void_changed
from waves.choices import WaveState
from waves.codes import assignments
from waves.digest import require_approved_content
from waves.errors import BadTemplate, CodesNotAssigned, ContentChanged, NotDue, TooLate, WrongState
from waves.lifecycle import move, require_state
from waves.models import Wave

logger = logging.getLogger(__name__)

GRACE = timedelta(hours=2)
# how late a wave can be that was scheduled for this moment while we slept
LONGEST_SLEEP_SECONDS = 1.0
SWEEP_SECONDS = 60.0


@dataclass
class Look:
    """What one look at the due waves did; the caller wakes the senders of `triggered`."""

    triggered: list[Wave] = field(default_factory=list)
    held: list[Wave] = field(default_factory=list)
    voided: list[Wave] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.triggered or self.held or self.voided)


def schedule(wave: Wave, *, by: User, now: datetime, reason: str = "") -> Wave:
    """APPROVED (or HELD) → SCHEDULED. Raises WrongState, ContentChanged, TooLate where it would
    only be held. [W-2, X-5]
    """
    require_state(wave, WaveState.APPROVED, WaveState.HELD)
    require_approved_content(wave)
    if now > wave.notify_date + GRACE:
        raise TooLate(
            f"Wave {wave.name} was due at {wave.notify_date.isoformat()}: prepare it again for a"
            " later date."
        )
    move(wave, WaveState.SCHEDULED, by=by, reason=reason, scheduled_at=now)
    return wave


def unschedule(wave: Wave, *, by: User, reason: str) -> Wave:
    """SCHEDULED → APPROVED. Raises WrongState. [W-2]"""
    require_state(wave, WaveState.SCHEDULED)
    move(wave, WaveState.APPROVED, by=by, reason=reason, scheduled_at=None)
    return wave


def look(*, now: datetime, grace: timedelta = GRACE) -> Look:
    """Trigger the waves that are due, hold those that are too late, void approvals of what changed.
    [W-11, X-5]

    Whoever looks at the same time gets the other waves or none: a wave is claimed by one
    conditional UPDATE. All due waves are claimed before the codes of the first are assigned, so
    that none waits for another's.
    """
    seen = Look(voided=void_changed())
    for wave in _due(now):
        if now > wave.notify_date + grace:
            _hold(wave, now, seen)
        else:
            _claim(wave, now, seen)
    for wave in [*seen.triggered, *_cut_off(seen.triggered)]:
        _hand_over_or_pause(wave, now)
    return seen


def trigger(wave: Wave, *, by: User | None, now: datetime, reason: str = "") -> Wave:
    """Trigger one wave now: a due one, or a held one by a person's decision; a triggered one is
    only completed.

    Raises WrongState, NotDue, ContentChanged, CodesNotAssigned; TooLate after holding a scheduled
    wave that is more than the grace late. [W-2, W-11]
    """
    require_state(wave, WaveState.SCHEDULED, WaveState.HELD, WaveState.TRIGGERED)
    if wave.state == WaveState.SCHEDULED:
        _require_due(wave, now)
    if wave.state != WaveState.TRIGGERED:
        require_approved_content(wave)
        move(wave, WaveState.TRIGGERED, by=by, reason=reason, triggered_at=now)
    hand_over(wave, now=now)
    return wave


def hand_over(wave: Wave, *, now: datetime) -> assignments.Assigned:
    """Assign and publish the codes of a triggered wave; repeats change nothing. Raises
    CodesNotAssigned, WrongState.
    """
    assigned = assignments.assign(wave, now=now)
    published = assignments.publish(wave, now=now)
    counts = {"valid": assigned.valid, "updated": assigned.updated, "published": published}
    logger.info("codes handed over", extra={"wave": wave.name, **counts})
    return assigned


def seconds_to_next(now: datetime) -> float:
    """How long to sleep: until the next due wave, and never so long that one scheduled meanwhile
    would be late.
    """
    scheduled = Wave.objects.filter(state=WaveState.SCHEDULED).order_by("notify_date")
    first = scheduled.values_list("notify_date", flat=True).first()
    until = (first - now).total_seconds() if first else LONGEST_SLEEP_SECONDS
    return max(0.0, min(LONGEST_SLEEP_SECONDS, until))


def keep_looking(
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], object],
    report: Callable[[Look], object],
    told: Callable[[], bool],
) -> None:
    """Look when something is due and at least each minute, until `told` to end; `report` hears of
    what happened. [W-11]

    A database that is away for a while is asked again each second.
    """
    swept: datetime | None = None
    while not told():
        pause = LONGEST_SLEEP_SECONDS
        try:
            now = clock()
            if swept is None or (now - swept).total_seconds() >= SWEEP_SECONDS or _due(now):
                swept = now
                if seen := look(now=now):
                    report(seen)
            pause = seconds_to_next(clock())
        except (OperationalError, InterfaceError) as error:
            logger.warning("database not reached", extra={"error": type(error).__name__})
            connection.close()
        sleep(pause)


def _require_due(wave: Wave, now: datetime) -> None:
    if now < wave.notify_date:
        raise NotDue(f"Wave {wave.name} is due at {wave.notify_date.isoformat()}, not yet.")
    if now > wave.notify_date + GRACE:
        _hold(wave, now, Look())
        raise TooLate(
            f"Wave {wave.name} was due at {wave.notify_date.isoformat()} and is held now: a person"
            " has to decide."
        )


def _due(now: datetime) -> list[Wave]:
    scheduled = Wave.objects.filter(state=WaveState.SCHEDULED, notify_date__lte=now)
    return list(scheduled.select_related("campaign").order_by("notify_date", "id"))


def _hold(wave: Wave, now: datetime, seen: Look) -> None:
    late = str(now - wave.notify_date).split(".")[0]
    try:
        with transaction.atomic():
            move(wave, WaveState.HELD, by=None, reason=f"{late} late")
            alert(
                f":warning: wave {wave.name} is held: it was due {late} ago. Trigger it, or reset"
                " it for a later date."
            )
    except WrongState:
        return  # somebody else looked first
    seen.held.append(wave)


def _claim(wave: Wave, now: datetime, seen: Look) -> None:
    try:
        require_approved_content(wave)
        move(wave, WaveState.TRIGGERED, by=None, reason="due", triggered_at=now)
    except (ContentChanged, BadTemplate) as error:
        with transaction.atomic():
            void(wave, by=None, reason=str(error))
            alert(f":red_circle: {error}")
        seen.voided.append(wave)
    except WrongState:
        return  # somebody else looked first
    else:
        seen.triggered.append(wave)


def _cut_off(triggered: list[Wave]) -> list[Wave]:
    """Waves triggered earlier whose codes are not all assigned and published: their process died in
    between.
    """
    earlier = Wave.objects.filter(state=WaveState.TRIGGERED).exclude(
        pk__in=[wave.pk for wave in triggered]
    )
    return [wave for wave in earlier.select_related("campaign") if assignments.unfinished(wave)]


def _hand_over_or_pause(wave: Wave, now: datetime) -> None:
    """One wave's trouble must not keep the others waiting: it is paused, with an alert."""
    try:
        hand_over(wave, now=now)
    except CodesNotAssigned as error:
        with transaction.atomic():
            move(wave, WaveState.PAUSED, by=None, reason=str(error))
            alert(f":red_circle: {error}")
    except WrongState as error:
        logger.warning(
            "wave changed while its codes were handed over",
            extra={"wave": wave.name, "why": str(error)},
        )
