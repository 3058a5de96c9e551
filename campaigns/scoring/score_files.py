"""One score file from upload to SAVED. [S-1, S-12]

    receive → UPLOADED → PROCESSING (judging.py) → VALIDATED → STREAMED (streaming.py) → SAVED

A file that cannot be taken is refused before anything is written. Every stage may be killed and
runs again to the same end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, Sum

from campaigns import named_file
from campaigns.choices import CampaignStatus, ScoreFileState
from campaigns.errors import AlreadyProcessed, UnknownScoreFile
from campaigns.formats.score_bytes import survey
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import require_open
from campaigns.scoring import bucket_lists, judging, publishing, rules, tables
from campaigns.scoring.endings import failing_with_its_job
from campaigns.scoring.forgetting import forget_erased
from campaigns.scoring.local_cache import LocalCache
from campaigns.scoring.outcomes import add_tallies
from campaigns.scoring.reception import Received, receive
from campaigns.scoring.streaming import stream
from datalake.storage import buckets
from operations import jobs, leases
from operations.choices import JobState
from operations.database.clock import database_time
from operations.leases import Lease
from operations.models import Chunk, Job
from operations.subjects import Subject
from operations.threads import helper_thread, short_switch_interval

__all__ = [
    "Received",
    "open_job",
    "process",
    "receive",
    "release_waiting",
    "score_file_of",
    "subject_of",
]

JOB_KIND = "process_scores"
BEGUN = ("rules", "rules_digest", "rules_fixed_at", "warnings", "min_score", "state", "error")


def subject_of(score_file: ScoreFile) -> Subject:
    return Subject("score_file", str(score_file.pk))


def open_job(score_file: ScoreFile, *, by: User | None) -> Job:
    """The job that processes the file: the live one, or the last one set to run again from where it
    stands, or a new one.
    """
    return jobs.open_or_requeue(JOB_KIND, subject_of(score_file), by=by)


def score_file_of(number: int) -> ScoreFile:
    """Raises UnknownScoreFile."""
    found = ScoreFile.objects.select_related("campaign").filter(pk=number).first()
    if found is None:
        raise UnknownScoreFile(f"Score file {number} does not exist.")
    return found


def process(job_id: int) -> ScoreFile:
    """Bring the job's score file as far as it can go: to STREAMED, or to VALIDATED while a public
    value is awaited.

    Raises what the stages raise; the file is then FAILED with the error, and may be processed again
    from where it stands.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with (
        leases.working(job_id) as lease,
        failing_with_its_job(number, lease),
        _cleared(LocalCache.of(lease)),
    ):
        score_file = score_file_of(number)
        if not score_file.is_drawn:
            require_open(score_file.campaign)
            with short_switch_interval(), helper_thread("index") as indexer:
                _process(score_file, lease, indexer)
    return score_file_of(number)


def _process(score_file: ScoreFile, lease: Lease, indexer: Executor) -> None:
    """Rows that do not change any more are indexed by PostgreSQL while we go on."""
    lines = 0 if score_file.roster_digest else _judge(score_file, lease)
    rejected_indexed = indexer.submit(tables.index, score_file.pk, tables.REJECTED)
    indexed = _draw(score_file, lease, indexer)
    _validate(score_file, lease, lines, rejected_indexed)
    forget_erased(score_file_of(score_file.pk), lease)
    # a public value that was entered meanwhile woke no file: this one was not VALIDATED yet
    if indexed is None and (indexed := _draw(score_file, lease, indexer)) is None:
        return
    stream(score_file_of(score_file.pk), lease, indexed)


def _draw(score_file: ScoreFile, lease: Lease, indexer: Executor) -> Future[None] | None:
    """Draw the rows that are not drawn yet and have them indexed; None while a public value is
    awaited. [S-8]
    """
    score_file.campaign.refresh_from_db(fields=["entropy_value"])
    if not score_file.campaign.draw_ready:
        return None
    _begin_drawing(score_file, lease)
    publishing.draw_waiting_rows(score_file, lease)
    return indexer.submit(tables.index, score_file.pk)


def _begin_drawing(score_file: ScoreFile, lease: Lease) -> None:
    """Luck can be known from the first draw on; the file that will be active is named before it.
    [S-8]
    """
    if score_file.campaign.first_drawn_at is not None:
        return
    with transaction.atomic():
        campaign = lock_campaign(score_file.campaign_id)
        lease.hold()
        named_file.begin_drawing(campaign)


@contextmanager
def _cleared(cache: LocalCache) -> Iterator[None]:
    """Nobody's data stays on this machine's disk longer than the work; after a kill, until it is
    taken up again.
    """
    cache.clear_earlier()
    try:
        yield
    finally:
        cache.clear()


def _move(lease: Lease, score_file: ScoreFile, state: ScoreFileState, **values: object) -> None:
    """Bring the file to a state as this attempt. Raises LeaseLost, WrongStatus. [C-2]"""
    with transaction.atomic():
        require_open(lock_campaign(score_file.campaign_id))
        lease.hold()
        ScoreFile.objects.filter(pk=score_file.pk).update(state=state, **values)


def _judge(score_file: ScoreFile, lease: Lease) -> int:
    """UPLOADED → PROCESSING: every row judged and in the database. Returns how many lines the file
    has.
    """
    _begin(score_file, lease)
    in_force = rules.restore(score_file.rules)
    with buckets.scoring().open(score_file.key) as file:
        lease.step("Reading the file")
        found = survey(file, score_file.sha256, score_file.kept_sha256)
        # judged once, then published
        lease.step("Checking rows", rows=found.lines, total=found.lines * 2)
        if score_file.campaign.draw_ready:
            _begin_drawing(score_file, lease)
        judging.judge(score_file, file, found, in_force, lease)
    return found.lines


def _validate(
    score_file: ScoreFile, lease: Lease, lines: int, rejected_indexed: Future[None]
) -> None:
    """PROCESSING → VALIDATED: the ledger whole and the roster fixed. Once that is done, what fails
    comes later.

    `lines` were counted apart from the chunks: where those do not add up to them, the ledger's
    constraint refuses. [S-3] So it does where the roster lists fewer than were accepted. [S-10]
    """
    if score_file.roster_digest:
        _move(lease, score_file, ScoreFileState.VALIDATED, error="")
        return
    lease.step("Creating the roster")
    done = Chunk.objects.filter(job_id=lease.job_id)
    counts = list(done.values_list("counts", flat=True))
    cache = publishing.judged_rows(score_file, lease)
    with buckets.scoring().writer(score_file.roster_key) as out:
        roster = cache.write_roster(out)
    ledger: dict[str, object] = {
        "rows_in": lines,
        "rejected_by": add_tallies([count["rejected"] for count in counts]),
        "tagged_by": add_tallies([count["tagged"] for count in counts]),
        "bands": (
            {"high": 0, "mid": 0, "low": 0} | add_tallies([count["bands"] for count in counts])
        ),
        "roster_digest": roster.digest,
        "roster_size": roster.rows,
    }
    ledger |= done.aggregate(accepted=Sum("rows_out"), rejected=Sum("rows_rejected"))
    rejected_indexed.result()

    def settle() -> None:
        lock_campaign(score_file.campaign_id)
        tables.attach(score_file.pk, tables.REJECTED)
        _move(lease, score_file, ScoreFileState.VALIDATED, **ledger)

    tables.patiently(settle)


def _begin(score_file: ScoreFile, lease: Lease) -> None:
    """PROCESSING, with the rules as they are at the first begin: a resumed file is judged by the
    same. When that was is written down under the campaign's lock: a file that was named before luck
    could be known becomes active by itself only if its rules were fixed before, too. [S-2, S-8]
    """
    files: Mapping[str, bytes] = {}
    is_first = not score_file.rules
    if is_first:
        files = rules.files_for(score_file.campaign)
        in_force = rules.gather(score_file.campaign, files)
        score_file.rules, score_file.min_score = rules.snapshot(in_force), in_force.lowest_score
        score_file.rules_digest = rules.digest(score_file.rules)
        score_file.warnings = rules.warnings_of(files)
        _require_only_one(score_file)
    score_file.state, score_file.error = ScoreFileState.PROCESSING, ""
    with transaction.atomic():
        campaign = lock_campaign(score_file.campaign_id)
        require_open(campaign)
        named_file.keep(campaign)
        bucket_lists.keep(campaign, files)
        lease.hold()
        if is_first:
            score_file.rules_fixed_at = database_time()
        score_file.save(update_fields=BEGUN)
        if not Chunk.objects.filter(job_id=lease.job_id).exists():  # a new job begins anew
            tables.drop(score_file.pk)
        tables.create(score_file.pk)


def _require_only_one(score_file: ScoreFile) -> None:
    """Rules that changed for a while are as before: then these bytes were judged by them already.
    Raises AlreadyProcessed. [S-12]
    """
    same = ScoreFile.objects.filter(
        campaign=score_file.campaign,
        sha256=score_file.sha256,
        rules_digest=score_file.rules_digest,
    ).exclude(state=ScoreFileState.FAILED)
    if (first := same.exclude(pk=score_file.pk).first()) is not None:
        raise AlreadyProcessed(
            f"{score_file.name} was already processed under the same rules, as attempt"
            f" {first.attempt}. Use that score file."
        )


def release_waiting(campaign: Campaign | None = None) -> list[ScoreFile]:
    """Files in VALIDATED whose public value is there now, of one campaign or of all. Their job
    ended because it waited for it: one at work goes on by itself, and what was cancelled or failed
    is left to people. [S-8]
    """
    waiting = ScoreFile.objects.filter(
        state=ScoreFileState.VALIDATED, campaign__status=CampaignStatus.OPEN
    ).exclude(~Q(campaign__entropy_source=""), campaign__entropy_value="")
    if campaign is not None:
        waiting = waiting.filter(campaign=campaign)
    found = list(waiting.defer("rules", "fairness").order_by("campaign_id", "attempt"))
    last = Job.objects.filter(kind=JOB_KIND, subject_id__in=[str(each.pk) for each in found])
    last = last.order_by("subject_id", "-id").distinct("subject_id")
    states = dict(last.values_list("subject_id", "state"))
    return [each for each in found if states.get(str(each.pk)) == JobState.DONE]
