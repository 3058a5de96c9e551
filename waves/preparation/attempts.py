"""An attempt to prepare a wave is counted before its work, and a failed one is written down before
anything else that could fail. [W-9, O-6]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from operations.database.retries import retried
from operations.errors import LeaseLost, error_text
from operations.leases import Lease
from waves.choices import WaveState
from waves.errors import AttemptsExhausted
from waves.lifecycle import move, require_state
from waves.locks import lock_wave
from waves.models import Wave
from waves.naming import Attempt, status_key
from waves.preparation import config_files, status_files
from waves.preparation.judgement import MOST_ATTEMPTS, PREPARABLE, exhausted
from waves.preparation.wave_files import status_json

RETRY: Final = "retry"  # the cause for which a failed wave is configured without a person's reset


def attempt_at(lease: Lease) -> Attempt:
    """The one that works under this lease."""
    return Attempt(lease.job_id, lease.attempt)


def _before(lease: Lease) -> Attempt:
    """The last one that can have ended, of whichever job: files of this one are left alone."""
    return Attempt(lease.job_id, lease.attempt - 1)


@contextmanager
def counted(wave: Wave, lease: Lease, *, by: User | None, started: datetime) -> Iterator[None]:
    """Count the attempt before the work, and withdraw what others still read of earlier ones; if it
    fails, write that down before anything else that could fail, and let the fault go on. [W-9]
    """
    try:
        _count(wave, lease, by=by, started=started)
        status_files.put_right(wave, _before(lease))
        yield
    except Exception as error:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        try:
            _write_failure(wave, lease, error, by=by, started=started)
        except LeaseLost:
            # what it alone can have written; what the row names is kept: then the attempt had ended
            # well, and only the answer to its commit was lost
            wave.refresh_from_db(fields=list(status_files.KEPT))
            status_files.delete_uncounted(wave, lambda attempt: attempt == attempt_at(lease))
            config_files.have_swept(wave)
            raise
        raise


@retried
@transaction.atomic
def _count(wave: Wave, lease: Lease, *, by: User | None, started: datetime) -> None:
    """Raises AttemptsExhausted, LeaseLost, and WrongState for a wave that moved on."""
    lock_wave(wave.pk)
    lease.hold()
    wave.refresh_from_db()  # a repeat knows nothing of the try before
    require_state(wave, *PREPARABLE)
    if wave.attempts >= MOST_ATTEMPTS:
        raise AttemptsExhausted(exhausted(wave.name))
    if wave.state == WaveState.FAILED:
        move(wave, WaveState.CONFIGURED, by=by, reason=RETRY, cause=RETRY, error="")
    attempts = wave.attempts + 1
    Wave.objects.filter(pk=wave.pk).update(
        attempts=attempts,
        status_key=status_key(wave.campaign.campaign_id, wave.date_key),
        status_content=status_json(status="TRIGGERED", attempts=attempts, started=started),
        status_stored=False,
    )
    wave.refresh_from_db()


def _write_failure(
    wave: Wave, lease: Lease, error: Exception, *, by: User | None, started: datetime
) -> None:
    """FAILED, and what its status file is to say, in one transaction; the bucket comes after. A
    wave that moved on meanwhile is left as it is. Raises LeaseLost.
    """
    with transaction.atomic():
        lock_wave(wave.pk)
        lease.hold()
        wave.refresh_from_db()
        if wave.state not in (WaveState.CONFIGURED, WaveState.CODE_GENERATED):
            return
        kind = type(error).__name__
        message = error_text(error).removeprefix(f"{kind}: ")
        status = status_json(
            status="FAILED",
            attempts=wave.attempts,
            started=started,
            finished=timezone.now(),
            error=(message, kind),
        )
        move(
            wave,
            WaveState.FAILED,
            by=by,
            reason=message,
            error=message,
            status_key=status_key(wave.campaign.campaign_id, wave.date_key),
            status_content=status,
            status_stored=False,
        )
    status_files.put_right_if_reachable(wave, attempt_at(lease))
