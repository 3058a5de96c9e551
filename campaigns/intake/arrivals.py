"""What arrives in the scoring bucket: score files, ranks, and the shared lists. [S-1, S-4, S-15]

    scored/{campaign_id}.{timestamp}.txt[.gz]     becomes a score file
    fanlist/uploaded/{fanlist_id}/{file}.csv[.gz] is translated into one
    blacklist/emails.txt, whitelist.txt           is read at once, so that a mistake is reported now

Whatever else lies in these folders is refused by its name, once, with an alert. What is taken in is
copied to a place of its own, so that what lies here may be replaced.

Each version of an object is one row of `Arrival`, and its constraint decides who of those that look
takes it up: whoever wrote the row opens the job, in the same transaction. What is refused is
refused once, not each minute.

A score file that comes without a person after luck could be known waits here: its job has failed,
which alerts and is listed, until a person with the right takes it in with a reason. A
list file that comes late is kept from the campaigns alone that it is late for. [S-8]
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from campaigns.choices import LateKind
from campaigns.errors import CannotTakeIn, LateRefused, UnfitName
from campaigns.formats import limits
from campaigns.late_changes import is_late, permit
from campaigns.models import Arrival, Campaign, ScoreFile
from campaigns.opening import campaign_of
from campaigns.ranks import rank_files
from campaigns.ranks.manifest import NAME as MANIFEST
from campaigns.scoring import bucket_lists, rules
from campaigns.scoring.reception import NAME, receive
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from datalake.storage.objects import Found
from operations import jobs, leases
from operations.choices import JobState
from operations.errors import Refusal
from operations.leases import Lease
from operations.models import Job
from operations.subjects import Subject

logger = logging.getLogger(__name__)

JOB_KIND = "take_arrival"
SCORED, RANKS, LISTS, UPLOADS = "scored/", "fanlist/uploaded/", "blacklist/", "uploads/"
RANKS_KEY = re.compile(r"fanlist/uploaded/[A-Za-z0-9-]{1,40}/[^/]+\.csv(\.gz)?")
STEADY_SECONDS = 10.0  # a file changed more recently may still grow; the next look finds it
AT_A_TIME = 1_000
LONGEST_KEY = 1_024
NAMES = (
    "scored/{campaign}.{timestamp}.txt, fanlist/uploaded/{fan list}/{file}.csv,"
    " blacklist/emails.txt and blacklist/whitelist.txt"
)
LONGEST_NAME = 120  # of a key in its job's arguments, for those who read alerts


# Folders of later apps: what lies there, and the kind of the job that takes it up.
_WATCHED: dict[str, str] = {}


def watch(folder: str, job_kind: str) -> None:
    """Have what comes into a folder of a later app taken up by its own kind of job."""
    _WATCHED[folder] = job_kind


def is_wanted(key: str) -> bool:
    """Whether an object with this key is to be taken in."""
    scores = key.startswith(SCORED) and NAME.fullmatch(key.removeprefix(SCORED))
    return bool(
        scores or RANKS_KEY.fullmatch(key) or key in (rules.BLACKLIST_KEY, rules.WHITELIST_KEY)
    )


def is_watched(key: str) -> bool:
    """Whether something is said of an object with this key, one way or another. A folder is none,
    and a list's manifest is ours.
    """
    return key.startswith((SCORED, RANKS, LISTS, *_WATCHED)) and not key.endswith(
        ("/", f"/{MANIFEST}")
    )


def look() -> list[Job]:
    """Note all that is new in the bucket, still growing files aside. Returns the jobs that take it
    up.
    """
    steady = time.time() - STEADY_SECONDS
    bucket = buckets.scoring()
    seen = [
        found
        for folder in (SCORED, RANKS, LISTS, *_WATCHED)
        for found in map(_storable, bucket.look(folder))
        if is_watched(found.key)
    ]
    noted = [note(found) for found in _new(seen) if found.modified < steady]
    return [job for job in noted if job is not None]


def _storable(found: Found) -> Found:
    """As our row can name it. A name that is not UTF-8 reads as surrogates, which no row can keep;
    written out, it fits nothing.
    """
    key = found.key.encode("utf-8", "backslashreplace").decode()
    return replace(found, key=key[:LONGEST_KEY])


def _new(seen: Sequence[Found]) -> Iterator[Found]:
    for first in range(0, len(seen), AT_A_TIME):
        some = seen[first : first + AT_A_TIME]
        known = set(
            Arrival.objects.filter(key__in=[found.key for found in some]).values_list(
                "key", "version"
            )
        )
        yield from (found for found in some if (found.key, found.version) not in known)


def note_reported(keys: Iterable[str]) -> list[Job]:
    """Note these reported objects, all or none; skips those that lie elsewhere, are gone again or
    noted already.
    """
    found = [buckets.scoring().found(key) for key in keys if is_watched(key)]
    with transaction.atomic():
        noted = [note(one) for one in found if one is not None]
    return [job for job in noted if job is not None]


def note(found: Found, *, by: User | None = None, **values: object) -> Job | None:
    """Write the arrival down and open the job that takes it up; None if it was noted already.
    `values`: more of the arrival.
    """
    try:
        with transaction.atomic():
            arrival = Arrival.objects.create(
                key=found.key, version=found.version, size=found.size, **values
            )
            kind = next((k for at, k in _WATCHED.items() if arrival.key.startswith(at)), JOB_KIND)
            return jobs.open_job(
                kind, subject_of(arrival), by=by, arguments={"name": arrival.key[:LONGEST_NAME]}
            )
    except IntegrityError:
        return None


def note_ours(found: Found) -> None:
    """Write down an object that we put there ourselves, so that nobody takes it up."""
    Arrival.objects.get_or_create(
        key=found.key, version=found.version, defaults={"size": found.size}
    )


def subject_of(arrival: Arrival) -> Subject:
    return Subject("arrival", str(arrival.pk))


def arrival_of(job_id: int) -> Arrival:
    """What the job takes up."""
    number = Job.objects.values_list("subject_id", flat=True).get(pk=job_id)
    return Arrival.objects.select_related("campaign", "score_file__campaign", "taken_by").get(
        pk=int(number)
    )


def take(job_id: int) -> ScoreFile | None:
    """Take the job's arrival in. None for a list, and for what has changed since: that is an
    arrival of its own.

    Raises what `receive` raises, UnfitName, UnknownCampaign, UnknownFanList, UnreadableList and
    NoSuchObject; the job then says why.
    """
    job, arrival = Job.objects.select_related("created_by").get(pk=job_id), arrival_of(job_id)
    with leases.working(job_id) as lease:
        if arrival.score_file is not None:  # the worker died, or the bucket went, just after that
            _forget_upload(arrival)
            return arrival.score_file
        if arrival.campaign is None and not is_wanted(arrival.key):
            raise UnfitName(
                f"{arrival.key} is not processed, because its name fits nothing that is expected"
                f" there: {NAMES}. Rename it, or put it elsewhere."
            )
        now = buckets.scoring().found(arrival.key)
        if now is None:
            raise NoSuchObject(
                f"{arrival.key} is no longer in the scoring bucket. Upload it again."
            )
        if now.version != arrival.version:
            logger.info("an arrival has changed since it was noted", extra={"key": arrival.key})
            return None
        if arrival.key.startswith(LISTS):
            _check_list(arrival, lease)
            return None
        score_file = _take_file(arrival, arrival.taken_by or job.created_by)
        Arrival.objects.filter(pk=arrival.pk).update(score_file=score_file)
        _forget_upload(arrival)
        return score_file


def _forget_upload(arrival: Arrival) -> None:
    """A browser's upload was copied to its place; a failed deletion is tried again with its job."""
    if arrival.campaign is not None:
        buckets.scoring().delete(arrival.key)


def _check_list(arrival: Arrival, lease: Lease) -> None:
    """Read a shared list as the next score file will. Only its entries are counted; nothing
    shows who is on it. [S-4]
    """
    entries = rules.count_entries(arrival.key)
    bucket_lists.notice(arrival.key)
    lease.update(rows_in=entries, rows_out=entries)
    logger.info("list read", extra={"key": arrival.key, "entries": entries})


def _take_file(arrival: Arrival, by: User | None) -> ScoreFile:
    if arrival.campaign is not None:
        return _take_upload(arrival, arrival.campaign, by)
    _require_size(arrival)
    if arrival.key.startswith(RANKS):
        return rank_files.take(arrival.key, by=by, reason=arrival.reason).score_file
    name = arrival.key.removeprefix(SCORED)
    campaign = campaign_of(name.partition(".")[0])
    with buckets.scoring().open(arrival.key) as file:
        return receive(campaign, name, file, by=by, reason=arrival.reason).score_file


def _require_size(arrival: Arrival) -> None:
    """What is too large is refused before it is copied from S3 to this machine. Raises
    UnreadableFile.
    """
    if arrival.size > settings.UPLOAD_MAX_BYTES:
        raise limits.too_large(settings.UPLOAD_MAX_BYTES)


def _take_upload(arrival: Arrival, campaign: Campaign, by: User | None) -> ScoreFile:
    """What is refused for what it is does not stay in the bucket; what could not be read or stored
    just now comes again, and what is late waits.
    """
    try:
        _require_size(arrival)
        with buckets.scoring().open(arrival.key) as file:
            received = receive(
                campaign,
                arrival.name,
                file,
                by=by,
                activate=arrival.activate,
                reason=arrival.reason,
            )
    except LateRefused:
        raise
    except Refusal as refusal:
        if not refusal.is_transient:
            _forget_upload(arrival)
        raise
    return received.score_file


def waits_for_a_person(arrival: Arrival, job: Job | None) -> bool:
    """Whether it was not taken in and is late: then a person with the right may. [S-8]"""
    campaign = _campaign_of(arrival)
    return (
        arrival.score_file is None
        and job is not None
        and job.state == JobState.FAILED
        and campaign is not None
        and is_late(campaign)
    )


def take_late(arrival: Arrival, *, by: User, reason: str) -> Job:
    """Have a late arrival taken in for a reason. Raises LateRefused, and CannotTakeIn where it does
    not wait for that. [S-8]
    """
    job = Job.objects.about(subject_of(arrival)).filter(kind=JOB_KIND).order_by("-id").first()
    campaign = _campaign_of(arrival)
    if job is None or campaign is None or not waits_for_a_person(arrival, job):
        raise CannotTakeIn(f"{arrival.name or arrival.key} does not wait for a person.")
    permit(campaign, LateKind.SCORE_FILE, "This score file", by=by, reason=reason)
    with transaction.atomic():
        Arrival.objects.filter(pk=arrival.pk).update(reason=reason.strip(), taken_by=by)
        jobs.requeue(job.pk)
    return job


def _campaign_of(arrival: Arrival) -> Campaign | None:
    """The campaign that a score file or a file of ranks is for."""
    if arrival.campaign is not None:
        return arrival.campaign
    if arrival.key.startswith(RANKS):
        fanlist = arrival.key.removeprefix(RANKS).partition("/")[0]
        return Campaign.objects.filter(fanlists__fanlist_id=fanlist).first()
    campaign_id = arrival.key.removeprefix(SCORED).partition(".")[0]
    return Campaign.objects.filter(campaign_id=campaign_id).first()
