"""How a score file ends early: it fails with its job, or is cancelled. [S-12]

Once luck could be known, neither names another file. [S-8]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from campaigns import named_file
from campaigns.choices import ScoreFileState
from campaigns.errors import CancelledByHand
from campaigns.locks import lock_campaign
from campaigns.models import ScoreFile
from campaigns.scoring import tables
from operations.errors import JobStopped, LeaseLost, error_text
from operations.leases import Lease
from operations.models import Job


@contextmanager
def failing_with_its_job(number: int, lease: Lease) -> Iterator[None]:
    """What ends the job early stands on the file as well; both raise it on. Nothing is written
    without the lease.
    """
    try:
        yield
    except LeaseLost:
        raise
    except JobStopped as stop:
        if stop.how == "cancel":
            with transaction.atomic():
                _keep_named(number)
                lease.hold()
                _forget(number)
        raise
    except Exception as error:
        connection.close_if_unusable_or_obsolete()
        with transaction.atomic():
            _keep_named(number)
            lease.hold()
            _fail(number, error)
        raise


def _fail(number: int, error: Exception) -> None:
    unfinished = ScoreFile.objects.filter(pk=number).exclude(
        state__in=[ScoreFileState.STREAMED, ScoreFileState.SAVED]
    )
    unfinished.update(state=ScoreFileState.FAILED, error=error_text(error))


def _keep_named(number: int) -> None:
    """What becomes of a file names no other one after luck could be known. [S-8]"""
    named_file.keep(
        lock_campaign(ScoreFile.objects.values_list("campaign_id", flat=True).get(pk=number))
    )


def forget_cancelled(job: Job) -> None:
    """A job that waited or was paused is cancelled: what its file has so far is deleted."""
    _keep_named(int(job.subject_id))
    _forget(int(job.subject_id))


def _forget(number: int) -> None:
    """A file cancelled before every row was judged counts for nothing: its rows and rules go, its
    bytes and its place among the attempts stay. One that was judged keeps its rows and can be taken
    up again: some may be on the stream already.
    """
    score_file = ScoreFile.objects.select_for_update().get(pk=number)
    if score_file.roster_digest:
        return
    _fail(
        number,
        CancelledByHand("Processing was cancelled. Start it again to continue."),
    )
    ScoreFile.objects.filter(pk=number).update(
        rules={}, rules_digest="", rules_fixed_at=None, min_score=None
    )
    tables.drop(number)
