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
from operations.instants import in_words
from operations.services.troubles import Trouble
from waves.approval import changeable_waves, renew, void_members
from waves.choices import WaveState
from waves.codes import assignments, partner_assignments
from waves.digest import changed_among, require_approved_content, require_unchanged
from waves.errors import CodeServiceAway, ContentChanged, NotDue, ReasonMissing, TooLate, WrongState
from waves.lifecycle import move, move_locked, require_state
from waves.locks import lock_wave, try_lock_wave
from waves.models import Wave
from waves.naming import GRACE

logger = logging.getLogger(__name__)

# how late a wave can be that was scheduled for this moment while we slept
LONGEST_SLEEP_SECONDS = 1.0


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
            f"Wave {wave.name} was due at {in_words(locked.notify_date)}. Give it a later notify"
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
    """Claim what is due, then assign its codes here, also those of waves whose process died in
    between, and void approvals of what changed: all that schedulers and workers do, at once.
    [W-11, X-5]
    """
    done = claim_due_waves(now=now, grace=grace)
    for wave in done.triggered:
        _assign_codes_or_pause(wave, now, done)
    for wave in _triggered_earlier(done.triggered):
        with _of_one(wave, done):
            if assignments.unfinished(wave):
                _assign_codes_or_pause(wave, now, done)
    void_changed(done)
    return done


def claim_due_waves(*, now: datetime, grace: timedelta = GRACE) -> ScheduleCheck:
    """Trigger the waves that are due, and hold those that are too late. Their codes are assigned by
    who sends them: no wave waits for the codes of another. [W-11, X-5]

    Schedulers that check at the same time get different waves or none: a wave is claimed by one
    conditional UPDATE, and one that somebody else holds at this moment is left for the next check
    instead of waited for. What one wave refuses is that wave's: it is held with an alert, or loses
    its approval, and the others go on. They do so too where one meets a fault of ours, which is in
    `faults`.
    """
    done = ScheduleCheck()
    for wave in _due(now):
        if now > wave.notify_date + grace:
            _hold_late(wave, now, done)
        else:
            _claim(wave, now, done)
    return done


def void_changed(done: ScheduleCheck) -> None:
    """Waves that would say something else than what was prepared lose their approval. [X-5]"""
    for wave in changed_among(changeable_waves()):
        with _of_one(wave, done):
            if renew(wave.pk, by=None, reason="content changed"):
                done.voided.append(wave)


def void_what_changed() -> None:
    """Each minute. Raises what was no wave's refusal, when the others had their turn."""
    done = ScheduleCheck()
    void_changed(done)
    done.raise_faults()


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


def _trigger(wave: Wave, *, by: User | None, now: datetime, reason: str) -> None:
    _trigger_as_seen(wave.pk, WaveState(wave.state), by=by, now=now, reason=reason)
    wave.refresh_from_db()


@retried
@transaction.atomic
def _trigger_as_seen(
    wave_pk: int, seen: WaveState, *, by: User | None, now: datetime, reason: str
) -> None:
    """Trigger the wave if it is still in the state in which somebody decided to."""
    locked = lock_wave(wave_pk)
    require_state(locked, seen)
    _trigger_locked(locked, by=by, now=now, reason=reason)


@retried
@transaction.atomic
def _trigger_if_free(wave: Wave, *, now: datetime) -> Wave | None:
    """None where somebody else holds the wave or its campaign at this moment, or has given it
    another date since it was listed.
    """
    locked = try_lock_wave(wave)
    if locked is None or locked.notify_date != wave.notify_date:
        return None
    require_state(locked, WaveState.SCHEDULED)  # a held one is for a person to decide
    _trigger_locked(locked, by=None, now=now, reason="due")
    return locked


def _trigger_locked(locked: Wave, *, by: User | None, now: datetime, reason: str) -> None:
    """What is approved at this moment is sent, whatever changes later. [X-5]"""
    require_unchanged(locked)
    require_approved_content(locked)
    move_locked(locked, WaveState.TRIGGERED, by=by, reason=reason, triggered_at=now)


def assign_codes(wave: Wave, *, now: datetime) -> assignments.Assigned:
    """Assign and publish the codes of a triggered wave; repeats change nothing. Where the code
    service has to confirm some, publishing is left to who sends the wave (`finish_trigger`): here
    no network is waited for. Raises CodesNotAssigned, WrongState.
    """
    assigned = assignments.assign(wave, now=now)
    if not partner_assignments.is_waiting(wave):
        _publish(wave, assigned, now=now)
    return assigned


def finish_trigger(wave: Wave, *, now: datetime) -> Exception | None:
    """Assign, confirm and publish what is left of a triggered wave before it is sent. What it
    refuses is returned, and the wave is paused with an alert: nothing of it may be sent.

    Raises WrongState, and CodeServiceAway where the same may work later. [W-11, K-4]
    """
    try:
        assigned = assign_codes(wave, now=now)
        if partner_assignments.confirm(wave, now=now):
            _publish(wave, assigned, now=now)
    except (WrongState, CodeServiceAway):
        raise
    except (Refusal, IntegrityError) as error:
        _pause(wave, error)
        return error
    return None


def _publish(wave: Wave, assigned: assignments.Assigned, *, now: datetime) -> None:
    published = assignments.publish(wave, now=now)
    counts = {"valid": assigned.valid, "updated": assigned.updated, "published": published}
    logger.info("codes assigned", extra={"wave": wave.name, **counts})


def _pause(wave: Wave, error: Exception) -> None:
    with transaction.atomic():
        move(wave, WaveState.PAUSED, by=None, reason=error_text(error))
        alert(f":red_circle: Wave {wave.name} is paused: {error_text(error)}")


def seconds_to_next(now: datetime, *, after: datetime | None = None) -> float:
    """How long to sleep: until the next wave is due, of those that are due `after` a moment if one
    is given, but not so long that one scheduled meanwhile would be late.
    """
    waiting = _scheduled().filter(notify_date__gt=after) if after else _scheduled()
    first = waiting.order_by("notify_date").values_list("notify_date", flat=True).first()
    until = (first - now).total_seconds() if first else LONGEST_SLEEP_SECONDS
    return max(0.0, min(LONGEST_SLEEP_SECONDS, until))


def keep_checking(
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], object],
    report: Callable[[ScheduleCheck], object],
    stopped: Callable[[], bool],
) -> None:
    """Check when a wave is due and each second, until `stopped`; `report` is called with each check
    that did something, and wakes who assigns the codes and sends. [W-11]

    A check that fails, because the database does not answer or for a fault of ours, alerts and is
    made again each second: the next wave does not wait for the fault of another.
    """
    trouble = Trouble("Scheduler", "due waves", page="/admin/waves/wave/")
    while not stopped():
        pause = LONGEST_SLEEP_SECONDS
        with trouble.fenced():
            now = clock()
            done = claim_due_waves(now=now)
            if done:
                report(done)
            done.raise_faults()
            # a wave that is left alone is not asked again at once
            pause = seconds_to_next(clock(), after=None if done else now)
            trouble.over()
        sleep(pause)


def _require_due(wave: Wave, now: datetime) -> None:
    if now < wave.notify_date:
        raise NotDue(f"Wave {wave.name} is not due until {in_words(wave.notify_date)}.")
    if now > wave.notify_date + GRACE:
        late = _lateness(wave, now)
        with transaction.atomic():
            _hold(lock_wave(wave.pk), late, f"it is {late}")
        raise TooLate(
            f"Wave {wave.name} was due at {in_words(wave.notify_date)} and is now held."
            " Decide whether to send it."
        )


def _due(now: datetime) -> list[Wave]:
    due = _scheduled().filter(notify_date__lte=now)
    return list(due.select_related("campaign").order_by("notify_date", "id"))


def _scheduled() -> QuerySet[Wave]:
    """In a closed campaign nothing moves any more. [C-2]"""
    return Wave.objects.filter(state=WaveState.SCHEDULED, campaign__status=CampaignStatus.OPEN)


def _hold_late(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    late = _lateness(wave, now)
    _hold_if_free(wave, late, f"it is {late}", done)


def _lateness(wave: Wave, now: datetime) -> str:
    return until(wave.notify_date, now, past="late")


def _hold_if_free(wave: Wave, reason: str, why: str, done: ScheduleCheck) -> None:
    """One that somebody else holds, or has given another date, is left for the next check."""
    with _of_one(wave, done), transaction.atomic():
        locked = try_lock_wave(wave)
        if locked is None or locked.notify_date != wave.notify_date:
            return
        _hold(locked, reason, why)
        done.held.append(locked)


def _hold(locked: Wave, reason: str, why: str) -> None:
    move_locked(locked, WaveState.HELD, by=None, reason=reason)
    alert(
        f":warning: Wave {locked.name} is held because {why}. Send it now, give it a new notify"
        " date, or cancel it."
    )


def _claim(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    """A wave that cannot be triggered for a reason of its own is held, so that it is not tried
    each second.
    """
    with _of_one(wave, done):
        try:
            claimed = _trigger_if_free(wave, now=now)
        except WrongState:
            raise
        except (Refusal, IntegrityError) as error:
            if renew(wave.pk, by=None, reason="content changed") or void_members(wave.pk, by=None):
                done.voided.append(wave)
            else:
                why = error_text(error)
                _hold_if_free(wave, why, f"it could not be sent: {why}", done)
        else:
            done.triggered += [claimed] if claimed else []


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
        finish_trigger(wave, now=now)
