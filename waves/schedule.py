"""When a wave goes out: scheduled by a person, triggered once at its notify date however many
schedulers run, held when late. [W-11]
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from operations.alerts import alert
from operations.services.troubles import Trouble
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
class ScheduleCheck:
    """What one check of the due waves did; the caller wakes the senders of `triggered`."""

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
            f"Wave {wave.name} was due at {wave.notify_date.isoformat()}. Prepare it again"
            " with a later notify date."
        )
    move(wave, WaveState.SCHEDULED, by=by, reason=reason, scheduled_at=now)
    return wave


def unschedule(wave: Wave, *, by: User, reason: str) -> Wave:
    """SCHEDULED → APPROVED. Raises WrongState. [W-2]"""
    require_state(wave, WaveState.SCHEDULED)
    move(wave, WaveState.APPROVED, by=by, reason=reason, scheduled_at=None)
    return wave


def check_due_waves(*, now: datetime, grace: timedelta = GRACE) -> ScheduleCheck:
    """Trigger the waves that are due, hold those that are too late, void approvals of what changed.
    [W-11, X-5]

    Schedulers that check at the same time get different waves or none: a wave is claimed by one
    conditional UPDATE. All due waves are claimed before the codes of the first are assigned, so
    that no wave waits for the codes of another.
    """
    done = ScheduleCheck(voided=void_changed())
    for wave in _due(now):
        if now > wave.notify_date + grace:
            _hold(wave, now, done)
        else:
            _claim(wave, now, done)
    for wave in [*done.triggered, *_cut_off(done.triggered)]:
        _assign_codes_or_pause(wave, now)
    return done


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
    assign_codes(wave, now=now)
    return wave


def assign_codes(wave: Wave, *, now: datetime) -> assignments.Assigned:
    """Assign and publish the codes of a triggered wave; repeats change nothing. Raises
    CodesNotAssigned, WrongState.
    """
    assigned = assignments.assign(wave, now=now)
    published = assignments.publish(wave, now=now)
    counts = {"valid": assigned.valid, "updated": assigned.updated, "published": published}
    logger.info("codes assigned", extra={"wave": wave.name, **counts})
    return assigned


def seconds_to_next(now: datetime) -> float:
    """How long to sleep: until the next wave is due, but not so long that one scheduled meanwhile
    would be late.
    """
    scheduled = Wave.objects.filter(state=WaveState.SCHEDULED).order_by("notify_date")
    first = scheduled.values_list("notify_date", flat=True).first()
    until = (first - now).total_seconds() if first else LONGEST_SLEEP_SECONDS
    return max(0.0, min(LONGEST_SLEEP_SECONDS, until))


def keep_checking(
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], object],
    report: Callable[[ScheduleCheck], object],
    stopped: Callable[[], bool],
) -> None:
    """Check when a wave is due and at least once a minute, until `stopped`; `report` is called with
    each check that did something. [W-11]

    A check that fails, because the database does not answer or for a fault of ours, alerts and is
    made again each second: the next wave does not wait for the fault of another.
    """
    swept: datetime | None = None
    trouble = Trouble("Scheduler", "due waves", page="/admin/waves/wave/")
    while not stopped():
        pause = LONGEST_SLEEP_SECONDS
        with trouble.fenced():
            now = clock()
            if swept is None or (now - swept).total_seconds() >= SWEEP_SECONDS or _due(now):
                swept = now
                if done := check_due_waves(now=now):
                    report(done)
            pause = seconds_to_next(clock())
            trouble.over()
        sleep(pause)


def _require_due(wave: Wave, now: datetime) -> None:
    if now < wave.notify_date:
        raise NotDue(f"Wave {wave.name} is not due until {wave.notify_date.isoformat()}.")
    if now > wave.notify_date + GRACE:
        _hold(wave, now, ScheduleCheck())
        raise TooLate(
            f"Wave {wave.name} was due at {wave.notify_date.isoformat()} and is now held."
            " Decide whether to send it."
        )


def _due(now: datetime) -> list[Wave]:
    scheduled = Wave.objects.filter(state=WaveState.SCHEDULED, notify_date__lte=now)
    return list(scheduled.select_related("campaign").order_by("notify_date", "id"))


def _hold(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    late = str(now - wave.notify_date).split(".")[0]
    try:
        with transaction.atomic():
            move(wave, WaveState.HELD, by=None, reason=f"{late} late")
            alert(
                f":warning: Wave {wave.name} is held because it was due {late} ago. Send it"
                " now, or cancel it."
            )
    except WrongState:
        return  # another scheduler was first
    done.held.append(wave)


def _claim(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    try:
        require_approved_content(wave)
        move(wave, WaveState.TRIGGERED, by=None, reason="due", triggered_at=now)
    except (ContentChanged, BadTemplate) as error:
        with transaction.atomic():
            void(wave, by=None, reason=str(error))
            alert(f":red_circle: {error}")
        done.voided.append(wave)
    except WrongState:
        return  # another scheduler was first
    else:
        done.triggered.append(wave)


def _cut_off(triggered: list[Wave]) -> list[Wave]:
    """Waves triggered earlier whose codes are not all assigned and published: their process died in
    between.
    """
    earlier = Wave.objects.filter(state=WaveState.TRIGGERED).exclude(
        pk__in=[wave.pk for wave in triggered]
    )
    return [wave for wave in earlier.select_related("campaign") if assignments.unfinished(wave)]


def _assign_codes_or_pause(wave: Wave, now: datetime) -> None:
    """A wave whose codes cannot be assigned is paused with an alert, so that the others go out."""
    try:
        assign_codes(wave, now=now)
    except CodesNotAssigned as error:
        with transaction.atomic():
            move(wave, WaveState.PAUSED, by=None, reason=str(error))
            alert(f":red_circle: {error}")
    except WrongState as error:
        logger.warning(
            "wave changed while its codes were assigned",
            extra={"wave": wave.name, "why": str(error)},
        )
