"""The second count of a wave, as a job: seal the record, run the checker, keep the verdict. [X-14]

It starts after each preparation, and after whatever gives a prepared wave a new content digest. The
facts are sealed once for each preparation, right after it, and kept: a later count, for new
messages, asks them again, for registrations and other waves have moved on meanwhile. What the wave
says of itself is read anew for each count.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from campaigns.opening import draw_of
from datalake.storage import buckets
from operations import jobs, leases
from operations.choices import JobState
from operations.database.retries import retried
from operations.errors import JobBusy
from operations.leases import Lease
from operations.models import Job
from waves.lifecycle import subject_of, wave_named
from waves.locks import lock_wave
from waves.models import Wave
from waves.naming import counted_prefix
from waves.second_count.checker import Checker, run_checker
from waves.second_count.claim import write_claim
from waves.second_count.sealed_record import write_facts
from waves.second_count.verdict import is_due, record, uncounted

JOB_KIND = "count_wave"
MEMBERS_CHANGED = "Its members have changed since it was prepared."


def open_job(wave: Wave) -> Job:
    """The job that counts the wave: the live one, or a new one, for which the sweep finds a worker
    within 20 seconds.
    """
    return jobs.open_job(JOB_KIND, subject_of(wave))


def open_missing_jobs() -> None:
    """Each minute: a prepared wave without a verdict is to be counted, unless its last count waits,
    is at work, was paused, or failed and is tried again later. [O-6]
    """
    for wave in uncounted().order_by("id"):
        last = Job.objects.about(subject_of(wave)).filter(kind=JOB_KIND).order_by("-id").first()
        if last is None or last.state in (JobState.DONE, JobState.CANCELLED):
            open_job(wave)


def count_here(wave: Wave, *, checker: Checker = run_checker) -> Wave:
    """Count the wave here and now, if it has no verdict and no worker counts it. Raises what `run`
    raises.
    """
    wave.refresh_from_db()
    if is_due(wave):
        with suppress(JobBusy):
            run(open_job(wave).pk, checker=checker)
        wave.refresh_from_db()
    return wave


def run(job_id: int, *, checker: Checker = run_checker) -> None:
    """Count the job's wave until there is a verdict about its present content; nothing is left to
    do where it is not prepared any more. Raises SecondCountFailed, JobStopped, LeaseLost.
    """
    job = Job.objects.get(pk=job_id)
    with leases.working(job_id) as lease:
        wave = wave_named(job.subject_id)
        while is_due(wave):
            _count(wave, lease, checker)
            wave = wave_named(job.subject_id)


def _count(wave: Wave, lease: Lease, checker: Checker) -> None:
    lease.check_stop()
    fans = wave.score_file.accepted if wave.score_file else 0

    def sealing(done: int, total: int) -> None:
        lease.report_progress(done, 2 * total)

    def counting(done: int, total: int) -> None:
        lease.report_progress(total + done, 2 * total)

    with tempfile.TemporaryDirectory() as folder:
        facts, claim = Path(folder) / "facts.zip", Path(folder) / "claim.zip"
        sealed = _sealed_facts(wave, lease, facts, sealing)
        lease.check_stop()
        claimed = write_claim(wave, claim)
        if not sealed or claimed.facts_digest != sealed:
            return  # it has been prepared anew meanwhile
        handed = {
            "seed": draw_of(wave.campaign).seed.hex(),
            "facts": sealed,
            "claim": claimed.sha256,
        }
        verdict = checker(facts, claim, handed, counting, lease.check_stop)
    if not claimed.unchanged:
        verdict = replace(verdict, agrees=False, problems=(MEMBERS_CHANGED, *verdict.problems))
    record(wave, lease, claimed, verdict, now=timezone.now())
    lease.update(rows_in=fans, rows_out=fans)


def _sealed_facts(
    wave: Wave, lease: Lease, target: Path, report: Callable[[int, int], None]
) -> str:
    """The facts of this preparation into `target`; their SHA-256 as the wave's row names it. Sealed
    now if they are not yet. Empty where the wave has been prepared anew meanwhile.
    """
    files = buckets.scoring()
    if wave.facts_key and files.exists(wave.facts_key):
        with files.open(wave.facts_key) as kept, target.open("wb") as out:
            shutil.copyfileobj(kept, out)
        return wave.facts_digest
    sealed = write_facts(wave, target, report)
    prefix = counted_prefix(wave.campaign.campaign_id, wave.date_key)
    key = f"{prefix}{lease.job_id}-{lease.attempt}.zip"
    with target.open("rb") as file:
        files.put(key, file)
    if not _keep(wave, lease, facts_key=key, facts_digest=sealed):
        files.delete(key)
        return ""
    _delete_others(wave)
    return sealed


@retried
@transaction.atomic
def _keep(wave: Wave, lease: Lease, **values: str) -> bool:
    """Name the sealed facts in the wave's row, as this attempt. Raises LeaseLost."""
    locked = lock_wave(wave.pk)
    lease.hold()
    if (locked.state, locked.prepared_at) != (wave.state, wave.prepared_at):
        return False
    return bool(Wave.objects.filter(pk=wave.pk).update(**values))


def _delete_others(wave: Wave) -> None:
    """Facts of earlier preparations, and of attempts whose facts never counted. The row is asked
    first: it names those of a later attempt, if one has taken over. [O-6]
    """
    files = buckets.scoring()
    others = list(files.list(counted_prefix(wave.campaign.campaign_id, wave.date_key)))
    wave.refresh_from_db(fields=["facts_key"])
    for key in others:
        if key != wave.facts_key:
            files.delete(key)
