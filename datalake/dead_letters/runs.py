"""Many dead letters are replayed, or settled without that, as a job. [T-1, O-1]

The job names the letters, or what they have in common; what became a letter after it was asked for
is left alone, or a record that is refused again would be replayed for ever. Letters are settled in
the transaction that replays them, so the job may be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from datalake.dead_letters import found, replay
from datalake.dead_letters.found import Asked
from datalake.models import DeadLetter
from operations import jobs, leases
from operations.leases import Lease
from operations.models import Job, StatusChange
from operations.subjects import Subject

REPLAY, SETTLE = "replay_dead_letters", "settle_dead_letters"
ALL = Subject("dead_letters")
ENDS: Final = {REPLAY: "replayed", SETTLE: "settled"}
AT_A_TIME = 500


def subject_of(job: Job) -> Subject:
    """What the history calls the letters of one job."""
    return Subject("dead_letters", f"of job {job.pk}")


def ask(kind: str, what: Asked | Sequence[int], *, by: User | None, reason: str) -> Job:
    """The job that replays or settles these letters, those that wait; the live one if the same was
    asked for already.
    """
    arguments: dict[str, Any] = (
        {"asked": what.as_json()} if isinstance(what, Asked) else {"letters": sorted(what)}
    )
    with transaction.atomic():
        job = jobs.open_job(kind, ALL, by=by, arguments=arguments)
        if not StatusChange.objects.about(subject_of(job)).exists():
            jobs.record_move(subject_of(job), "waiting", ENDS[kind], by=by, reason=reason)
    return job


def run_replay(job_id: int) -> None:
    """Replay the letters of the job; its ledger counts those that it replayed. One whose message is
    gone goes on waiting. Raises BucketUnreachable: whatever needs no bucket is replayed by then.
    """
    of_lake: list[int] = []

    def by_pieces(lease: Lease, numbers: Sequence[int]) -> None:
        _, needing = replay.without_bucket(numbers, job=job_id, check=lease.check_stop)
        of_lake.extend(needing)

    def then(lease: Lease, done: int, total: int) -> None:
        replay.into_lake(of_lake, done=done, total=total, job=job_id, check=lease.check_stop)

    _run(job_id, by_pieces, then)


def run_settle(job_id: int) -> None:
    """Settle the letters of the job without a replay; its ledger counts those that it settled."""

    def together(lease: Lease, numbers: Sequence[int]) -> None:
        lease.check_stop()
        DeadLetter.objects.waiting().filter(pk__in=numbers).update(
            dropped_at=timezone.now(), settled_by_job=job_id
        )

    _run(job_id, together)


def _run(
    job_id: int,
    settle: Callable[[Lease, Sequence[int]], None],
    then: Callable[[Lease, int, int], None] = lambda lease, done, total: None,
) -> None:
    """`settle` is called for each page of letters, and `then` after the last one with how many are
    settled, of how many.
    """
    job = Job.objects.get(pk=job_id)
    waiting = _letters_of(job)
    settled = DeadLetter.objects.filter(settled_by_job=job_id)
    with leases.working(job_id) as lease:
        done = settled.count()
        total = done + waiting.count()
        for numbers in _pages(waiting):
            lease.report_progress(done, total)
            settle(lease, numbers)
            done += len(numbers)
        then(lease, settled.count(), total)
        done = settled.count()
        leases.finish(lease, rows_in=done, rows_out=done, progress=done, total=done)


def _letters_of(job: Job) -> QuerySet[DeadLetter]:
    if numbers := job.arguments.get("letters"):
        return DeadLetter.objects.waiting().filter(pk__in=numbers)
    asked = Asked.from_json(job.arguments.get("asked", {}))
    letters = found.matching(replace(asked, state="waiting"))
    return letters.filter(created_at__lte=job.created_at)


def _pages(letters: QuerySet[DeadLetter]) -> Iterator[list[int]]:
    """The numbers of the letters, oldest first."""
    last = 0
    while numbers := list(
        letters.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:AT_A_TIME]
    ):
        yield numbers
        last = numbers[-1]
