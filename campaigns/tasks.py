"""Which stage follows which. A task takes the number of a job and calls one shell."""

from __future__ import annotations

import threading
from typing import BinaryIO

from django.contrib.auth.models import User

from campaigns.choices import ScoreFileState
from campaigns.entropy import fetching
from campaigns.fairness import reports
from campaigns.fairness.suspicious import reports as suspicious
from campaigns.intake import arrivals, browser_uploads, s3_queue
from campaigns.models import Arrival, Campaign, RankFile, RegistrationImport, ScoreFile
from campaigns.ranks import rank_files
from campaigns.registrations import imports
from campaigns.scoring import dry_run, endings, score_files
from campaigns.supplements import supplements
from datalake.aws.sqs import SqsQueue
from operations import tasks
from operations.errors import Refusal
from operations.job_kinds import JobKind
from operations.models import Job
from operations.schedules import ScheduledRun
from operations.services import queues
from operations.services.queues import Received
from operations.services.troubles import Trouble

PROCESS_RIGHT = "campaigns.process_scores"


def start_score_file(score_file: ScoreFile, *, by: User | None) -> Job:
    """Have a worker process the file."""
    job = score_files.open_job(score_file, by=by)
    tasks.enqueue(job)
    return job


def start_dry_run(score_file: ScoreFile, *, by: User | None) -> Job:
    """Have a worker try all rows of the file. Raises CannotDryRun."""
    job = dry_run.open_job(score_file, by=by)
    tasks.enqueue(job)
    return job


def run_score_file(job_id: int) -> None:
    """Process the file, then have its draw judged and its fans looked at."""
    score_file = score_files.process(job_id)
    if score_file.is_drawn:
        start_fairness(score_file, by=None)
        start_suspicious(score_file, by=None)


def start_fairness(score_file: ScoreFile, *, by: User | None) -> Job:
    """Have a worker make the fairness report of a drawn file. Raises NotDrawn. [X-3]"""
    job = reports.open_job(score_file, by=by)
    tasks.enqueue(job)
    return job


def start_suspicious(score_file: ScoreFile, *, by: User | None) -> Job:
    """Have a worker find the suspicious groups of a drawn file. Raises NotDrawn. [X-13]"""
    job = suspicious.open_job(score_file, by=by)
    tasks.enqueue(job)
    return job


def look_for_missing_reports() -> None:
    """Scheduled for each minute: files that a command processed, or whose worker died just then,
    get their reports too. [X-3, X-13]
    """
    for score_file in reports.without_report():
        start_fairness(score_file, by=None)
    for score_file in suspicious.without_groups():
        start_suspicious(score_file, by=None)


def look_for_waiting_files() -> None:
    """Scheduled for each minute: files whose public value is there are drawn, also when it was
    entered while they were processed, or who entered it was cut off. [S-8]
    """
    for score_file in score_files.release_waiting():
        start_score_file(score_file, by=score_file.created_by)


def start_registrations(found: RegistrationImport, *, by: User | None) -> Job:
    """Have a worker import the file."""
    job = imports.open_job(found, by=by)
    tasks.enqueue(job)
    return job


def start_late_registrations(found: RegistrationImport, *, by: User, reason: str) -> Job:
    """Have a worker import a late file that waits for a person. [S-8]"""
    job = imports.take_late(found, by=by, reason=reason)
    tasks.enqueue(job)
    return job


def start_waiting(campaign: Campaign, *, by: User | None) -> list[Job]:
    """The public value is there: have workers draw the files that waited for it."""
    return [
        start_score_file(score_file, by=by) for score_file in score_files.release_waiting(campaign)
    ]


def start_fetch(campaign: Campaign, *, by: User | None) -> Job:
    """Have a worker fetch the public value. [S-8]"""
    job = fetching.open_job(campaign, by=by)
    tasks.enqueue(job)
    return job


def run_fetch(job_id: int) -> None:
    """Fetch the public value, then have the files drawn that waited for it."""
    start_waiting(fetching.run(job_id), by=Job.objects.get(pk=job_id).created_by)


def look_for_due_rounds() -> None:
    """Scheduled for each minute: the value of a drand round is fetched when it is out. [S-8]"""
    for campaign in fetching.due():
        start_fetch(campaign, by=None)


def start_supplement(
    parent: ScoreFile, file: BinaryIO, *, by: User | None, activate: bool, reason: str = ""
) -> Job:
    """Keep a corrected file of rejected rows, and have a worker make the supplement of it.
    [S-14]
    """
    job = supplements.keep(parent, file, by=by, activate=activate, reason=reason)
    tasks.enqueue(job)
    return job


def run_supplement(job_id: int) -> None:
    """Make the supplement, then have it processed."""
    score_file = supplements.process(job_id)
    if score_file is not None and score_file.state in (
        ScoreFileState.UPLOADED,
        ScoreFileState.FAILED,
    ):
        start_score_file(score_file, by=score_file.created_by)


def start_ranks(rank_file: RankFile, *, by: User | None) -> Job:
    """Have a worker translate a file of ranks. [S-15]"""
    job = rank_files.open_job(rank_file, by=by)
    tasks.enqueue(job)
    return job


def run_ranks(job_id: int) -> None:
    """Translate a file of ranks, then have what it became processed."""
    received = rank_files.translate(job_id)
    if received is not None and received.score_file.state in (
        ScoreFileState.UPLOADED,
        ScoreFileState.FAILED,
    ):
        start_score_file(received.score_file, by=Job.objects.get(pk=job_id).created_by)


def look_for_dropped_files() -> None:
    """Scheduled for each minute: what another service put into the scoring bucket is taken up.
    [S-1]
    """
    for job in arrivals.look():
        tasks.enqueue(job)
    browser_uploads.forget_old()


def run_arrival(job_id: int) -> None:
    """Take an arrival in; have it processed, or tried first, if it is a score file that waits for
    that.
    """
    score_file = arrivals.take(job_id)
    if score_file is None or score_file.state != ScoreFileState.UPLOADED:
        return
    by = score_file.created_by
    if not arrivals.arrival_of(job_id).dry_run_first:
        start_score_file(score_file, by=by)
        return
    try:
        dry_run.check_first_rows(score_file.pk)
    except Refusal:  # the job of a dry run says on the file's page why
        start_dry_run(score_file, by=by)


def start_late_arrival(arrival: Arrival, *, by: User, reason: str) -> Job:
    """Have a worker take in a late arrival that waits for a person. [S-8]"""
    job = arrivals.take_late(arrival, by=by, reason=reason)
    tasks.enqueue(job)
    return job


def run_s3_message(job_id: int) -> None:
    """Read a message about new objects that could not be read when it came."""
    for job in s3_queue.read_again(job_id):
        tasks.enqueue(job)


def start_upload(
    token: str,
    campaign: Campaign,
    *,
    by: User,
    activate: bool,
    dry_run_first: bool = False,
    reason: str = "",
) -> Arrival:
    """Have a worker take in what a browser put straight into the bucket."""
    arrival = browser_uploads.uploaded(
        token, campaign, by=by, activate=activate, dry_run_first=dry_run_first, reason=reason
    )
    tasks.enqueue(browser_uploads.job_of(arrival))
    return arrival


def start_upload_through_us(
    campaign: Campaign,
    name: str,
    file: BinaryIO,
    *,
    by: User,
    activate: bool,
    dry_run_first: bool = False,
    reason: str = "",
) -> Arrival:
    """Have a worker take in what a browser sent to us."""
    arrival = browser_uploads.keep(
        campaign,
        name,
        file,
        by=by,
        activate=activate,
        dry_run_first=dry_run_first,
        reason=reason,
    )
    tasks.enqueue(browser_uploads.job_of(arrival))
    return arrival


def consume_s3_events(queue: SqsQueue, *, stop: threading.Event, once: bool = False) -> Received:
    """Take up what the queue says of new objects: with `once` until it is empty, else until `stop`
    is set.

    A queue, bucket or database that is away for a while is waited for, unless `once`; its messages
    come again.
    """
    return queues.serve(
        queue,
        s3_queue.handle,
        tasks.enqueue,
        trouble=Trouble("S3 events", queue.url, page="/admin/"),
        stop=stop,
        once=once,
    )


JOB_KINDS = [
    JobKind(
        score_files.JOB_KIND,
        "Process scores",
        run_score_file,
        tidy=endings.forget_cancelled,
        page="score-file",
        right=PROCESS_RIGHT,
    ),
    JobKind(
        dry_run.JOB_KIND, "Dry run", dry_run.check_all_rows, page="score-file", right=PROCESS_RIGHT
    ),
    JobKind(
        supplements.JOB_KIND,
        "Create supplement",
        run_supplement,
        page="score-file",
        right=PROCESS_RIGHT,
    ),
    JobKind(
        rank_files.JOB_KIND, "Translate ranks", run_ranks, page="rank-file", right=PROCESS_RIGHT
    ),
    JobKind(
        reports.JOB_KIND,
        "Create fairness report",
        reports.run,
        page="fairness",
        right=PROCESS_RIGHT,
        can_pause=False,  # a few statements, within a minute
    ),
    JobKind(
        suspicious.JOB_KIND,
        "Find suspicious groups",
        suspicious.run,
        page="suspicious",
        right=PROCESS_RIGHT,
        can_pause=False,  # one reading of the file, within a minute
    ),
    JobKind(
        arrivals.JOB_KIND,
        "Process file from the bucket",
        run_arrival,
        page="arrival",
        right=PROCESS_RIGHT,
        can_pause=False,
    ),
    JobKind(
        s3_queue.JOB_KIND, "Process S3 event", run_s3_message, right=PROCESS_RIGHT, can_pause=False
    ),
    JobKind(
        fetching.JOB_KIND,
        "Fetch the public value",
        run_fetch,
        page="campaign",
        right="campaigns.enter_entropy",
        can_pause=False,  # a few requests, within a minute
    ),
    JobKind(
        imports.JOB_KIND,
        "Import registrations",
        imports.process,
        cancel_refusal=imports.cancel_refusal,
        page="registrations",
        right="campaigns.import_registrations",
    ),
]
SCHEDULED_RUNS = [
    ScheduledRun("look_for_dropped_files", look_for_dropped_files, every="minute"),
    ScheduledRun("look_for_due_rounds", look_for_due_rounds, every="minute"),
    ScheduledRun("look_for_missing_reports", look_for_missing_reports, every="minute"),
    ScheduledRun("look_for_waiting_files", look_for_waiting_files, every="minute"),
]
