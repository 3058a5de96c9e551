"""When a wave goes out: scheduled by a person, triggered once at its notify date however many
schedulers run, held when late. [W-11]
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from campaigns.choices import CampaignStatus
from operations.adminkit.countdowns import until
from operations.alerts import alert
from operations.database.retries import retried
from operations.errors import Refusal, error_text
from operations.services.troubles import Trouble
from waves.approval import changeable_waves, renew, void_members
from waves.choices import WaveState
from waves.codes import assignments
from waves.digest import content_changed, require_approved_content, require_unchanged
from waves.errors import ContentChanged, NotDue, ReasonMissing, TooLate, WrongState
from waves.lifecycle import move, require_state
from waves.locks import lock_wave
from waves.models import Wave
from waves.naming import GRACE

logger = logging.getLogger(__name__)

# how late a wave can be that was scheduled for this moment while we slept
LONGEST_SLEEP_SECONDS = 1.0
SWEEP_SECONDS = 60.0


@dataclass
class ScheduleCheck:
    """What one check of the due waves did; the caller wakes the senders of `triggered`, and only
    then raises what was no wave's refusal.
    """

    triggered: list[Wave] = field(default_factory=list)
    held: list[Wave] = field(default_factory=list)
    voided: list[Wave] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.triggered or self.held or self.voided)

    def raise_faults(self) -> None:
        """The first fault, if there was one."""
        if self.faults:
            raise self.faults[0]


@retried
@transaction.atomic
def schedule(wave: Wave, *, by: User, now: datetime, reason: str = "") -> Wave:
    """APPROVED → SCHEDULED. Raises WrongState, ContentChanged, TooLate where it would only be
    held. [W-2, X-5]
    """
    locked = lock_wave(wave.pk)
    require_state(locked, WaveState.APPROVED)
    require_unchanged(locked)
    require_approved_content(locked)
    if now > locked.notify_date + GRACE:
        raise TooLate(
            f"Wave {wave.name} was due at {locked.notify_date.isoformat()}. Give it a later notify"
            " date."
        )
    move(locked, WaveState.SCHEDULED, by=by, reason=reason, scheduled_at=now)
    wave.refresh_from_db()
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
    that no wave waits for the codes of another. What one wave refuses is that wave's: it is held
    or paused with an alert, and the others go on. They do so too where one meets a fault of ours,
    which is in `faults`.
    """
    done = ScheduleCheck()
    for wave in changeable_waves():
        with _of_one(wave, done):
            if content_changed(wave) and renew(wave.pk, by=None, reason="content changed"):
                done.voided.append(wave)
    for wave in _due(now):
        if now > wave.notify_date + grace:
            _hold_late(wave, now, done)
        else:
            _claim(wave, now, done)
    for wave in done.triggered:
        _assign_codes_or_pause(wave, now, done)
    for wave in _triggered_earlier(done.triggered):
        with _of_one(wave, done):
            if assignments.unfinished(wave):
                _assign_codes_or_pause(wave, now, done)
    return done


def trigger(wave: Wave, *, by: User | None, now: datetime, reason: str = "") -> Wave:
    """Trigger one wave now: a due one, or a held one by a person's decision; a triggered one is
    only completed.

    Raises WrongState, NotDue, ReasonMissing for a held one, CodesNotAssigned; ContentChanged after
    voiding the approval of what changed; TooLate after holding a scheduled wave that is more than
    the grace late. [W-2, W-11]
    """
    require_state(wave, WaveState.SCHEDULED, WaveState.HELD, WaveState.TRIGGERED)
    if wave.state == WaveState.SCHEDULED:
        _require_due(wave, now)
    if wave.state == WaveState.HELD and not reason.strip():
        raise ReasonMissing(f"Wave {wave.name}: a reason is required to send a held wave.")
    if wave.state != WaveState.TRIGGERED:
        if renew(wave.pk, by=None, reason="content changed"):
            wave.refresh_from_db()
            raise ContentChanged(
                f"Wave {wave.name}: its messages have changed since it was approved, so nothing was"
                " sent. Check them and approve the wave again."
            )
        _trigger(wave, by=by, now=now, reason=reason)
    assign_codes(wave, now=now)
    return wave


@retried
@transaction.atomic
def _trigger(wave: Wave, *, by: User | None, now: datetime, reason: str) -> None:
    """What is approved at this moment is sent, whatever changes later. [X-5]"""
    locked = lock_wave(wave.pk)
    require_state(locked, WaveState.SCHEDULED, WaveState.HELD)
    require_unchanged(locked)
    require_approved_content(locked)
    move(locked, WaveState.TRIGGERED, by=by, reason=reason, triggered_at=now)
    wave.refresh_from_db()


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
    first = _scheduled().order_by("notify_date").values_list("notify_date", flat=True).first()
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
            now, left_alone = clock(), False
            due = _due(now)
            if swept is None or (now - swept).total_seconds() >= SWEEP_SECONDS or due:
                swept = now
                done = check_due_waves(now=now)
                if done:
                    report(done)
                done.raise_faults()
                left_alone = bool(due) and not done
            # a wave that is left alone is not asked again at once
            pause = LONGEST_SLEEP_SECONDS if left_alone else seconds_to_next(clock())
            trouble.over()
        sleep(pause)


def _require_due(wave: Wave, now: datetime) -> None:
    if now < wave.notify_date:
        raise NotDue(f"Wave {wave.name} is not due until {wave.notify_date.isoformat()}.")
    if now > wave.notify_date + GRACE:
        done = ScheduleCheck()
        _hold_late(wave, now, done)
        done.raise_faults()
        raise TooLate(
            f"Wave {wave.name} was due at {wave.notify_date.isoformat()} and is now held."
            " Decide whether to send it."
        )


def _due(now: datetime) -> list[Wave]:
    due = _scheduled().filter(notify_date__lte=now)
    return list(due.select_related("campaign").order_by("notify_date", "id"))


def _scheduled() -> QuerySet[Wave]:
    """In a closed campaign nothing moves any more. [C-2]"""
    return Wave.objects.filter(state=WaveState.SCHEDULED, campaign__status=CampaignStatus.OPEN)


def _hold_late(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    late = until(wave.notify_date, now, past="late")
    _hold(wave, late, f"it is {late}", done)


def _hold(wave: Wave, reason: str, why: str, done: ScheduleCheck) -> None:
    with _of_one(wave, done):
        with transaction.atomic():
            move(wave, WaveState.HELD, by=None, reason=reason)
            alert(
                f":warning: Wave {wave.name} is held because {why}. Send it now, give it a"
                " new notify date, or cancel it."
            )
        done.held.append(wave)


def _claim(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    """A wave that cannot be triggered for a reason of its own is held, so that it is not tried
    each second.
    """
    with _of_one(wave, done):
        try:
            _trigger(wave, by=None, now=now, reason="due")
        except WrongState:
            raise
        except (Refusal, IntegrityError) as error:
            if renew(wave.pk, by=None, reason="content changed") or void_members(wave.pk, by=None):
                done.voided.append(wave)
            else:
                _hold(wave, error_text(error), f"it could not be sent: {error_text(error)}", done)
        else:
            done.triggered.append(wave)


@contextmanager
def _of_one(wave: Wave, done: ScheduleCheck) -> Iterator[None]:
    """What is refused here is this wave's; mostly another scheduler or a person moved it first.
    Other errors wait in `done.faults` until the other waves had their turn.
    """
    try:
        yield
    except (Refusal, IntegrityError) as error:
        logger.warning("wave left alone", extra={"wave": wave.name, "why": error_text(error)})
    except Exception as error:  # noqa: BLE001 raised by who asked for the check
        done.faults.append(error)


def _triggered_earlier(triggered: list[Wave]) -> QuerySet[Wave]:
    """Waves whose codes may not all be assigned and published: their process died in between."""
    earlier = Wave.objects.filter(state=WaveState.TRIGGERED).exclude(
        pk__in=[wave.pk for wave in triggered]
    )
    return earlier.select_related("campaign")


def _assign_codes_or_pause(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    """A wave whose codes cannot be assigned is paused with an alert, so that the others go out."""
    with _of_one(wave, done):
        try:
            assign_codes(wave, now=now)
        except WrongState:
            raise
        except (Refusal, IntegrityError) as error:
            with transaction.atomic():
                move(wave, WaveState.PAUSED, by=None, reason=error_text(error))
                alert(f":red_circle: Wave {wave.name} is paused: {error_text(error)}")
