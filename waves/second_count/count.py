"""The second count of a wave, as a job: read the sealed facts, run the checker, keep the verdict.
[X-14]

It starts after each preparation, and after whatever gives a prepared wave a new content digest. The
facts are sealed once for each preparation, by it, and kept: a later count, for new messages, asks
them again, for registrations and other waves have moved on meanwhile. What the wave says of itself
is read anew for each count.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django.utils import timezone

from campaigns.opening import draw_of
from datalake.storage import buckets
from operations import jobs, leases
from operations.choices import JobState
from operations.errors import JobBusy
from operations.leases import Lease
from operations.models import Job
from waves.lifecycle import subject_of, wave_named
from waves.models import Wave
from waves.second_count.checker import Checker, Verdict, run_checker
from waves.second_count.claim import Claim, write_claim
from waves.second_count.verdict import is_due, record, uncounted

JOB_KIND = "count_wave"
FACTS_ARE_GONE = "The facts that were sealed when it was prepared are no longer in the bucket."
MEMBERS_CHANGED = "Its members have changed since it was prepared."


def open_job(wave: Wave) -> Job:
    """The job that counts the wave: the live one, or a new one, for which the sweep finds a worker
    within 20 seconds.
    """
    return jobs.open_job(JOB_KIND, subject_of(wave))


def last_job(wave: Wave) -> Job | None:
    return Job.objects.about(subject_of(wave)).filter(kind=JOB_KIND).order_by("-id").first()


def open_missing_jobs() -> None:
    """Each minute: a prepared wave without a verdict is to be counted, unless its last count waits,
    is at work, was paused, or failed and is tried again later. [O-6]
    """
    for wave in uncounted().order_by("id"):
        last = last_job(wave)
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
    fans = wave.score_file.accepted if wave.score_file else wave.selected
    with tempfile.TemporaryDirectory() as folder:
        claim = Path(folder) / "claim.zip"
        claimed = write_claim(wave, claim)
        if claimed.facts_digest != wave.facts_digest:
            return  # it has been prepared anew meanwhile
        verdict = _verdict(wave, claimed, claim, lease, checker)
    if not claimed.unchanged:
        verdict = replace(verdict, agrees=False, problems=(MEMBERS_CHANGED, *verdict.problems))
    record(wave, lease, claimed, verdict, now=timezone.now())
    lease.update(rows_in=fans, rows_out=fans)


def _verdict(wave: Wave, claimed: Claim, claim: Path, lease: Lease, checker: Checker) -> Verdict:
    files, facts = buckets.scoring(), claim.with_name("facts.zip")
    if not wave.facts_key or not files.exists(wave.facts_key):
        return Verdict(agrees=False, problems=(FACTS_ARE_GONE,), fans=0)
    with files.open(wave.facts_key) as kept, facts.open("wb") as out:
        shutil.copyfileobj(kept, out)
    handed = {
        "seed": draw_of(wave.campaign).seed.hex(),
        "facts": claimed.facts_digest,
        "claim": claimed.sha256,
    }
    return checker(facts, claim, handed, lease.report_progress, lease.check_stop)
