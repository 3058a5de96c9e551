"""One score file from upload to SAVED. [S-1, S-12]

    receive → UPLOADED → PROCESSING (judging.py) → VALIDATED → STREAMED (publishing.py) → SAVED

A file that cannot be taken is refused before anything is written. Every stage may be killed and
runs again to the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from campaigns import named_file
from campaigns.choices import CampaignStatus, LateKind, Reason, ScoreFileState, Tag
from campaigns.errors import AlreadyProcessed, CancelledByHand, UnknownScoreFile
from campaigns.formats.score_bytes import survey
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, LateChange, ScoreFile
from campaigns.opening import require_open
from campaigns.scoring import (
    activation,
    bucket_lists,
    comparison,
    judging,
    publishing,
    rules,
    tables,
)
from campaigns.scoring.local_cache import LocalCache
from campaigns.scoring.outcomes import add_tallies
from campaigns.scoring.reception import Received, receive
from datalake import save
from datalake.choices import StreamName
from datalake.storage import buckets
from datalake.streams import consumers
from operations import alerts, jobs, leases
from operations.choices import JobState
from operations.database.clock import database_time
from operations.errors import JobStopped, LeaseLost, error_text
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
BEGUN = ("rules", "rules_digest", "rules_fixed_at", "min_score", "state", "error")
ATTACH_TRIES = 6  # of 5 s each, see scoretables.attach


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
        _failing_with_its_job(number, lease),
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
    # a public value that was entered meanwhile woke no file: this one was not VALIDATED yet
    if indexed is None and (indexed := _draw(score_file, lease, indexer)) is None:
        return
    _stream(score_file_of(score_file.pk), lease, indexed)


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


@contextmanager
def _failing_with_its_job(number: int, lease: Lease) -> Iterator[None]:
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


def _move(lease: Lease, score_file: ScoreFile, state: ScoreFileState, **values: object) -> None:
    """Bring the file to a state as this attempt. Raises LeaseLost, WrongStatus. [C-2]"""
    with transaction.atomic():
        require_open(lock_campaign(score_file.campaign_id))
        lease.hold()
        ScoreFile.objects.filter(pk=score_file.pk).update(state=state, **values)


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


def _judge(score_file: ScoreFile, lease: Lease) -> int:
    """UPLOADED → PROCESSING: every row judged and in the database. Returns how many lines the file
    has.
    """
    _begin(score_file, lease)
    in_force = rules.restore(score_file.rules)
    with buckets.scoring().open(score_file.key) as file:
        lease.step("Reading the file")
        found = survey(file, score_file.sha256)
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

    _patiently(settle)


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


def _stream(score_file: ScoreFile, lease: Lease, indexed: Future[None]) -> None:
    """VALIDATED → STREAMED: published, attached to all scores, and active if it is the one that was
    named and no wave forbids it. [S-12, S-13]
    """
    judged, accepted = score_file.rows_in, score_file.accepted
    publishing_step = {
        "first": judged,
        "rows": accepted,
        "progress": judged,
        "total": judged + accepted,
    }
    lease.step("Writing files and publishing", **publishing_step)
    published = publishing.publish(score_file, lease)
    lease.step("Indexing the rows", progress=judged + accepted)
    indexed.result()
    if score_file.late:
        _compare(score_file, lease)
    _count(score_file, published, lease)
    mark_saved(score_file.stream)  # the lake may have been faster than we were


def _compare(score_file: ScoreFile, lease: Lease) -> None:
    """How many fans a late file moves, against the file that is active now. [S-8]"""
    lease.step("Comparing with the active score file")
    active = Campaign.objects.get(pk=score_file.campaign_id).active_score_file
    moved = comparison.moved_between(active, score_file)
    with transaction.atomic():
        lease.hold()
        LateChange.objects.filter(
            campaign=score_file.campaign_id,
            kind=LateKind.SCORE_FILE,
            details__attempt=score_file.attempt,
        ).update(moved=moved)


def _count(score_file: ScoreFile, published: publishing.Published, lease: Lease) -> None:
    """Attach the rows and make the file STREAMED, at once."""
    _patiently(lambda: _count_now(score_file, published, lease))


def _patiently(attach: Callable[[], None]) -> None:
    """Attach in one transaction. Whoever holds the table of all rows just then is waited for."""
    for tries_left in reversed(range(ATTACH_TRIES)):
        try:
            with transaction.atomic():
                attach()
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or not tries_left:
                raise


def _count_now(score_file: ScoreFile, published: publishing.Published, lease: Lease) -> None:
    require_open(lock_campaign(score_file.campaign_id))
    lease.hold()
    tables.attach(score_file.pk)
    ScoreFile.objects.filter(pk=score_file.pk).update(
        state=ScoreFileState.STREAMED,
        streamed=published.streamed,
        stream_position=published.position,
        streamed_at=timezone.now(),
    )
    activated = activation.try_activate_named(score_file, by=score_file.created_by)
    alerts.alert(summary(score_file, activated=activated))


def summary(score_file: ScoreFile, *, activated: bool) -> str:
    """S-11's message for Slack: in, accepted, rejected by reason, tagged."""
    reasons = _counted(Reason, score_file.rejected_by)
    return (
        f"Score file {score_file.name} of campaign {score_file.campaign.campaign_id}:"
        f" {score_file.rows_in:,} in, {score_file.accepted:,} accepted,"
        f" {score_file.rejected:,} rejected{f' ({reasons})' if reasons else ''}. Tags:"
        f" {_counted(Tag, score_file.tagged_by) or 'none'}."
        f" {'It is now active.' if activated else 'It is not active.'}"
    )


def _counted(names: type[Reason] | type[Tag], counts: dict[str, int]) -> str:
    """Counts in the order of the rules, whatever order the database keeps them in."""
    return ", ".join(f"{name.label}: {counts[name]:,}" for name in names if name in counts)


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


@transaction.atomic
def mark_saved(stream: str) -> int:
    """STREAMED → SAVED for files whose last batch the lake has, or that have none. Returns how
    many.

    Called when the lake's position in a stream of scores moved, and when a file is STREAMED. The
    lock on that position lets neither overlook the other.
    """
    if stream not in (StreamName.SCORED, StreamName.FANLIST_RANKS):
        return 0
    saved = consumers.lock_checkpoint(save.CONSUMER, StreamName(stream)).position
    from_ranks = stream == StreamName.FANLIST_RANKS
    streamed = ScoreFile.objects.filter(
        state=ScoreFileState.STREAMED, fanlist__isnull=not from_ranks
    )
    return streamed.filter(Q(stream_position__lte=saved) | Q(stream_position=None)).update(
        state=ScoreFileState.SAVED
    )
