"""When a wave goes out: scheduled by a person, and then found due by whichever scheduler looks
first, which triggers it, or holds it when it is late. [W-11]
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
from operations.database.retries import retried
from operations.errors import Refusal, error_text
from operations.instants import in_words
from operations.services.troubles import Trouble
from waves.approval import changeable_waves, renew, void_members
from waves.choices import WaveState
from waves.codes import assignments
from waves.digest import changed_among, require_approved_content, require_unchanged
from waves.errors import TooLate, WrongState
from waves.lifecycle import move, require_state
from waves.locks import lock_wave, try_lock_wave
from waves.models import Wave
from waves.naming import GRACE
from waves.sending.triggering import finish_trigger, hold, lateness, trigger_if_free

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


def _due(now: datetime) -> list[Wave]:
    due = _scheduled().filter(notify_date__lte=now)
    return list(due.select_related("campaign").order_by("notify_date", "id"))


def _scheduled() -> QuerySet[Wave]:
    """In a closed campaign nothing moves any more. [C-2]"""
    return Wave.objects.filter(state=WaveState.SCHEDULED, campaign__status=CampaignStatus.OPEN)


def _hold_late(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    late = lateness(wave, now)
    _hold_if_free(wave, late, f"it is {late}", done)


def _hold_if_free(wave: Wave, reason: str, why: str, done: ScheduleCheck) -> None:
    """One that somebody else holds, or has given another date, is left for the next check."""
    with _of_one(wave, done), transaction.atomic():
        locked = try_lock_wave(wave)
        if locked is None or locked.notify_date != wave.notify_date:
            return
        hold(locked, reason, why)
        done.held.append(locked)


def _claim(wave: Wave, now: datetime, done: ScheduleCheck) -> None:
    """A wave that cannot be triggered for a reason of its own is held, so that it is not tried
    each second.
    """
    with _of_one(wave, done):
        try:
            claimed = trigger_if_free(wave, now=now)
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
