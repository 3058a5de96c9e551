"""One score file from upload to SAVED. [S-1, S-12]

    receive → UPLOADED → PROCESSING (judging.py) → VALIDATED → STREAMED (publishing.py) → SAVED

A file that cannot be taken is refused before anything is written. Every stage may be killed and runs again to the same end.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from campaigns import activation, judging, publishing, rules, scoretables
from campaigns.choices import ScoreFileState
from campaigns.duplicates import GZIP_MAGIC, open_lines, sha256_of, survey
from campaigns.errors import CancelledByHand, UnknownScoreFile, WrongCampaign
from campaigns.models import Campaign, RejectedRow, ScoreFile
from campaigns.opening import require_open
from campaigns.scrub import add_tallies
from campaigns.spill import Spill
from datalake import save, storage
from datalake.choices import StreamName
from operations import alerts, jobs
from operations.errors import JobStopped, LeaseLost
from operations.jobs import Lease
from operations.models import Chunk, Job

JOB = "process_scores"
NAME = re.compile(r"(?P<campaign>[A-Za-z0-9-]{1,40})\.(?P<timestamp>[A-Za-z0-9_:+-]{1,36})\.txt(\.gz)?")


@dataclass(frozen=True)
class Received:
    """A score file that was taken in; `repeated` if the campaign had these bytes already. [S-12]"""

    score_file: ScoreFile
    repeated: bool


def subject_of(score_file: ScoreFile) -> str:
    return f"scorefile:{score_file.pk}"


def receive(campaign: Campaign, name: str, file: BinaryIO, *, by: User | None, activate: bool = True) -> Received:
    """Take a file (seekable, open for reading) into the scoring bucket as an attempt of its campaign. [S-1, S-12]

    Raises WrongStatus, WrongCampaign, UnreadableFile, UnreadableList, ListEntryInvalid; then nothing is written.
    """
    require_open(campaign)
    timestamp = _timestamp_of(campaign, name)
    header, _ = open_lines(file)
    rules.gather(campaign)  # lists that cannot be read fail the file now, not in an hour
    file.seek(0)
    sha256, size = sha256_of(file)
    if same := _same_bytes(campaign, sha256):
        return Received(same, repeated=True)
    values: dict[str, object] = {
        "name": name,
        "sha256": sha256,
        "bytes": size,
        "created_by": by,
        "activate_when_streamed": activate,
    }
    values["ignored_columns"] = list(header.ignored)
    try:
        with transaction.atomic():
            score_file = _register(campaign, timestamp, _ending(file), values)
            file.seek(0)
            storage.scoring().put(score_file.key, file)
    except IntegrityError:  # the same bytes came in twice at once
        if same := _same_bytes(campaign, sha256):
            return Received(same, repeated=True)
        raise
    return Received(score_file, repeated=False)


def _same_bytes(campaign: Campaign, sha256: str) -> ScoreFile | None:
    alive = ScoreFile.objects.filter(campaign=campaign, sha256=sha256).exclude(state=ScoreFileState.FAILED)
    return alive.first()


def _timestamp_of(campaign: Campaign, name: str) -> str:
    """The file's own timestamp if it is named {campaign_id}.{timestamp}.txt, else the time of arrival. Raises WrongCampaign."""
    match = NAME.fullmatch(name)
    if match is None:
        return timezone.now().strftime("%Y%m%dT%H%M%SZ")
    if match["campaign"] != campaign.campaign_id:
        raise WrongCampaign(
            f"{name} is named for campaign {match['campaign']}, not {campaign.campaign_id}: "
            "choose the right campaign, or rename the file if its name is wrong."
        )
    return match["timestamp"]


def _ending(file: BinaryIO) -> str:
    file.seek(0)
    return ".txt.gz" if file.read(len(GZIP_MAGIC)) == GZIP_MAGIC else ".txt"


def _register(campaign: Campaign, timestamp: str, ending: str, values: dict[str, object]) -> ScoreFile:
    """The row of a new attempt. A timestamp that another attempt has gets the attempt's number behind it."""
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    others = ScoreFile.objects.filter(campaign=campaign)
    attempt = (others.aggregate(last=Max("attempt"))["last"] or 0) + 1
    if others.filter(timestamp=timestamp).exists():
        timestamp = f"{timestamp}-{attempt}"
    stem = f"{campaign.campaign_id}.{timestamp}"
    return ScoreFile.objects.create(
        campaign=campaign,
        attempt=attempt,
        timestamp=timestamp,
        key=f"scored/{stem}{ending}",
        scrubbed_key=f"scrubbed/{stem}.csv",
        rejected_key=f"scrubbed/{stem}.rejected.csv",
        **values,
    )


def open_job(score_file: ScoreFile, *, by: User | None) -> Job:
    """The job that processes the file: the live one, or the last one set to run again from where it stands, or a new one."""
    last = Job.objects.filter(kind=JOB, subject=subject_of(score_file)).order_by("-id").first()
    if last is not None and jobs.requeue(last.pk):
        return last
    return jobs.open_job(JOB, subject_of(score_file), by=by)


def score_file_of(number: int) -> ScoreFile:
    """Raises UnknownScoreFile."""
    found = ScoreFile.objects.select_related("campaign").filter(pk=number).first()
    if found is None:
        raise UnknownScoreFile(f"There is no score file {number}.")
    return found


def process(job_id: int) -> ScoreFile:
    """Bring the job's score file as far as it can go: to STREAMED, or to VALIDATED while a public value is awaited.

    Raises what the stages raise; the file is then FAILED with the error, and may be processed again.
    """
    number = int(Job.objects.get(pk=job_id).subject.removeprefix("scorefile:"))
    with jobs.working(job_id) as lease:
        try:
            score_file = score_file_of(number)
            if score_file.state in {ScoreFileState.UPLOADED, ScoreFileState.PROCESSING, ScoreFileState.FAILED}:
                _validate(score_file, lease)
            score_file = score_file_of(number)
            if score_file.state == ScoreFileState.VALIDATED and score_file.campaign.draw_ready:
                _stream(score_file, lease)
        except LeaseLost:
            raise
        except JobStopped as stop:
            if stop.how == "cancel":
                _forget(number)
            raise
        except Exception as error:  # recorded on the file; `working` records it on the job, and both raise it
            _fail(number, error)
            raise
        Spill(job_id).clear()
    return score_file_of(number)


def _fail(number: int, error: Exception) -> None:
    unfinished = ScoreFile.objects.filter(pk=number).exclude(state__in=[ScoreFileState.STREAMED, ScoreFileState.SAVED])
    unfinished.update(state=ScoreFileState.FAILED, error=str(error) or type(error).__name__)


def _forget(number: int) -> None:
    """A cancelled file counts for nothing: its rows go, its bytes and its place among the attempts stay."""
    with transaction.atomic():
        _fail(number, CancelledByHand("It was cancelled while it was processed. Process it again to take it up."))
        scoretables.drop(number)
        RejectedRow.objects.filter(score_file_id=number).delete()


def _validate(score_file: ScoreFile, lease: Lease) -> None:
    """UPLOADED → PROCESSING → VALIDATED: every row judged and in the database, the ledger whole."""
    _begin(score_file, lease)
    in_force = rules.restore(score_file.rules)
    with storage.scoring().open(score_file.key) as file:
        found = survey(file, score_file.sha256)
        lease.update(total=found.lines * 2)  # judged once, then published
        judging.judge(score_file, file, found, in_force, lease)
    done = Chunk.objects.filter(job_id=lease.job_id)
    counts = list(done.values_list("counts", flat=True))
    accepted, rejected = sum(done.values_list("rows_out", flat=True)), sum(done.values_list("rows_rejected", flat=True))
    roster = publishing.roster_digest(publishing.judged_rows(score_file, lease))
    with transaction.atomic():
        lease.hold()
        ScoreFile.objects.filter(pk=score_file.pk, state=ScoreFileState.PROCESSING).update(
            state=ScoreFileState.VALIDATED,
            rows_in=found.lines,
            accepted=accepted,
            rejected=rejected,
            rejected_by=add_tallies([count["rejected"] for count in counts]),
            tagged_by=add_tallies([count["tagged"] for count in counts]),
            bands={"high": 0, "mid": 0, "low": 0} | add_tallies([count["bands"] for count in counts]),
            roster_digest=roster,
        )


def _begin(score_file: ScoreFile, lease: Lease) -> None:
    """PROCESSING, with the rules as they are at the first begin: a resumed file is judged by the same. [S-2]"""
    if not score_file.rules:
        score_file.rules = rules.snapshot(rules.gather(score_file.campaign))
        score_file.rules_digest = rules.digest(score_file.rules)
    score_file.state, score_file.error = ScoreFileState.PROCESSING, ""
    with transaction.atomic():
        lease.hold()
        score_file.save(update_fields=["rules", "rules_digest", "state", "error"])
        if not Chunk.objects.filter(job_id=lease.job_id).exists():  # a new job begins anew
            scoretables.drop(score_file.pk)
            RejectedRow.objects.filter(score_file=score_file).delete()
        scoretables.create(score_file.pk)


def _stream(score_file: ScoreFile, lease: Lease) -> None:
    """VALIDATED → STREAMED: drawn, published, attached to all scores, and active unless a wave forbids it. [S-12, S-13]"""
    publishing.draw_waiting_rows(score_file)
    published = publishing.publish(score_file, lease)
    with transaction.atomic():
        lease.hold()
        if not scoretables.is_attached(score_file.pk):
            scoretables.attach(score_file.pk)
        ScoreFile.objects.filter(pk=score_file.pk, state=ScoreFileState.VALIDATED).update(
            state=ScoreFileState.STREAMED,
            streamed=published.streamed,
            stream_position=published.position,
            streamed_at=timezone.now(),
        )
        activated = score_file.activate_when_streamed and activation.try_activate(score_file.pk, by=score_file.created_by)
        alerts.alert(summary(score_file, activated=activated))
    scoretables.analyse(score_file.pk)


def summary(score_file: ScoreFile, *, activated: bool) -> str:
    """S-11's message for Slack: in, accepted, rejected by reason, tagged."""
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in score_file.rejected_by.items()) or "none"
    tagged = ", ".join(f"{tag} {count:,}" for tag, count in score_file.tagged_by.items()) or "none"
    return (
        f"Score file {score_file.name} of campaign {score_file.campaign.campaign_id}: {score_file.rows_in:,} in, "
        f"{score_file.accepted:,} accepted, {score_file.rejected:,} rejected ({rejected}); tagged: {tagged}. "
        f"It is {'now active' if activated else 'not active'}."
    )


def release_waiting(campaign: Campaign) -> list[ScoreFile]:
    """Files that waited in VALIDATED for the public value that is there now. [S-8]"""
    return list(ScoreFile.objects.filter(campaign=campaign, state=ScoreFileState.VALIDATED).order_by("attempt"))


def mark_saved(stream: str) -> int:
    """STREAMED → SAVED for files whose last batch the lake has, once its position in `scored` moved. Returns how many."""
    if stream != StreamName.SCORED:
        return 0
    saved = save.saved_position(StreamName.SCORED)
    in_lake = ScoreFile.objects.filter(state=ScoreFileState.STREAMED, stream_position__lte=saved)
    nothing_to_save = ScoreFile.objects.filter(state=ScoreFileState.STREAMED, stream_position=None)
    return in_lake.update(state=ScoreFileState.SAVED) + nothing_to_save.update(state=ScoreFileState.SAVED)
