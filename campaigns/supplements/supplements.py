"""Corrected rejected rows come back as a supplement of their score file: a new score file of the
rows that were accepted and the corrected ones. [S-14]

    corrected CSV → composed file (accepted lines as they are, then the corrected rows) →
    receive → process, as any score file

The supplement is judged by the rules as they are when it is processed [S-2]. Rows that did not come
back stay recorded with the score file they were rejected in. A worker that is killed while it
composes leaves nothing.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import BinaryIO, cast

from django.contrib.auth.models import User

from campaigns.choices import LateKind, ScoreFileState
from campaigns.errors import BadCorrection, CannotSupplement
from campaigns.formats.score_bytes import sha256_of
from campaigns.late_changes import permit
from campaigns.models import RejectedRow, ScoreFile
from campaigns.opening import require_open
from campaigns.scoring import score_files
from campaigns.scoring.reception import Received, receive
from campaigns.supplements.merged_file import ReportStep, compose, no_progress
from datalake.storage import buckets
from operations import jobs, leases
from operations.leases import Lease
from operations.models import Job
from operations.subjects import Subject

JOB_KIND = "compose_supplement"
FOLDER = "supplements/"
LONGEST_STEM = 28  # characters of a parent's timestamp that its supplements' keep


@dataclass(frozen=True)
class Supplement:
    """What a corrected file became, and how many rows it had."""

    received: Received
    came_back: int


@dataclass(frozen=True)
class Outcome:
    """The results of a supplement's rows: of those that came back, and of those that its parent had
    accepted.
    """

    came_back: int
    repaired: int
    no_longer_accepted: int


def key_of(parent: ScoreFile, sha256: str) -> str:
    """Where the corrected file is kept as it came: not where dropped score files are looked for."""
    return f"{FOLDER}{parent.campaign.campaign_id}.{parent.timestamp}.{sha256[:16]}.csv"


def subject_of(parent: ScoreFile) -> Subject:
    """What the jobs work on that make supplements of a score file."""
    return Subject("supplement", str(parent.pk))


def require_judged(parent: ScoreFile) -> None:
    """Raises CannotSupplement unless each row of the file has its outcome."""
    if not parent.roster_digest:
        raise CannotSupplement(
            f"Score file {parent.pk} is {parent.state}. Process it before you upload"
            " corrected rows."
        )


def keep(
    parent: ScoreFile, file: BinaryIO, *, by: User | None, activate: bool, reason: str = ""
) -> Job:
    """Take a corrected file (seekable) into the bucket, and open the job that makes the supplement
    and looks into it. A late one needs a `reason` and a person with the right. [S-8, S-14]

    Raises WrongStatus, CannotSupplement and LateRefused; then nothing is written.
    """
    require_open(parent.campaign)
    require_judged(parent)
    permit(parent.campaign, LateKind.SCORE_FILE, "This supplement", by=by, reason=reason)
    file.seek(0)
    sha256, _ = sha256_of(file)
    if not buckets.scoring().exists(key_of(parent, sha256)):
        file.seek(0)
        buckets.scoring().put(key_of(parent, sha256), file)
    arguments = {"sha256": sha256[:16], "activate": activate, "reason": reason.strip()}
    return jobs.open_or_requeue(JOB_KIND, subject_of(parent), by=by, arguments=arguments)


def process(job_id: int) -> ScoreFile | None:
    """Make the job's supplement and open the job that processes it; None if a user paused or
    cancelled it.

    Raises what `make` raises, and NoSuchObject; the job then says why.
    """
    job, made = Job.objects.get(pk=job_id), None
    with leases.working(job_id) as lease:
        report_step = _reporting(lease)
        parent = score_files.score_file_of(int(job.subject_id))
        with buckets.scoring().open(key_of(parent, job.arguments["sha256"])) as file:
            supplement = make(
                parent,
                file,
                by=job.created_by,
                activate=job.arguments["activate"],
                reason=job.arguments.get("reason", ""),
                report_step=report_step,
            )
        made = supplement.received.score_file
        if made.state in (ScoreFileState.UPLOADED, ScoreFileState.FAILED):
            # before this one ends: no kill can come between
            score_files.open_job(made, by=job.created_by)
        rows = supplement.came_back
        leases.finish(lease, rows_in=rows, rows_out=rows)
    return made


def _reporting(lease: Lease) -> ReportStep:
    """Let those who watch the job know how far it is, and obey those who stop it."""
    steps = list[str]()

    def report_step(step: str, done: int, total: int) -> None:
        if step not in steps:
            steps.append(step)
            lease.step(step, rows=total, progress=0, total=total)
        lease.report_progress(done, total)
        lease.check_stop()

    return report_step


def make(
    parent: ScoreFile,
    file: BinaryIO,
    *,
    by: User | None,
    activate: bool = True,
    reason: str = "",
    report_step: ReportStep = no_progress,
) -> Supplement:
    """Compose the supplement from a corrected file (seekable) and receive it as a score file; it is
    not processed yet. [S-14]

    The same corrected file again is the same score file. Where the parent's own bytes would come of
    it, there is nothing to supplement. Raises WrongStatus, CannotSupplement, BadCorrection, and
    what `receive` raises; then nothing is written.
    """
    require_open(parent.campaign)
    require_judged(parent)
    with tempfile.TemporaryFile() as composed:
        came_back = compose(parent, file, cast("BinaryIO", composed), report_step)
        composed.seek(0)
        received = receive(
            parent.campaign,
            _name(parent),
            cast("BinaryIO", composed),
            by=by,
            activate=activate,
            reason=reason,
            supplement_of=parent,
            fanlist=parent.fanlist,
        )
    if received.score_file.pk == parent.pk:
        raise BadCorrection(
            "The corrected file contains no corrections: the supplement would be identical"
            f" to score file {parent.pk}. Correct some rows first."
        )
    file.seek(0)
    key = key_of(parent, sha256_of(file)[0])
    if not buckets.scoring().exists(key):
        file.seek(0)
        buckets.scoring().put(key, file)
    return Supplement(received, came_back)


def _name(parent: ScoreFile) -> str:
    """Named after its parent, and the number among its parent's supplements."""
    stem = f"{parent.timestamp[:LONGEST_STEM]}-s{parent.supplements.count() + 1}"
    return f"{stem}.csv" if parent.fanlist_id else f"{parent.campaign.campaign_id}.{stem}.txt"


def outcome_of(supplement: ScoreFile) -> Outcome | None:
    """The results of a supplement's rows, from its lines: first its parent's accepted ones,
    then those that came back.

    None while they are not all judged, and for a score file that is no supplement.
    """
    parent = supplement.supplement_of
    if parent is None or not supplement.roster_digest:
        return None
    last = parent.accepted + 1  # the header is line 1
    again = RejectedRow.objects.filter(score_file=supplement, line__gt=last).count()
    came_back = supplement.rows_in - parent.accepted
    return Outcome(came_back, came_back - again, supplement.rejected - again)
