"""Files of ranks: stored, translated to score files, and listed in their list's manifest. [S-15]

    store (or take what is in the bucket) → translate, in a job → a score file like any other

The same bytes and formula are the same file: each step may be killed and runs again to the same
end.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from campaigns.choices import LateKind, ScoreFileState
from campaigns.errors import (
    BadFanListId,
    CancelledByHand,
    FanListTaken,
    UnknownFanList,
    UnreadableFile,
)
from campaigns.formats import limits
from campaigns.formats.score_bytes import sha256_of
from campaigns.late_changes import permit
from campaigns.models import PUBLIC_ID, Campaign, FanList, RankFile
from campaigns.opening import require_open
from campaigns.ranks import manifest, translation
from campaigns.ranks.manifest import FOLDER
from campaigns.scoring import rules
from campaigns.scoring.reception import Received
from campaigns.scoring.reception import receive as receive_scores
from datalake.storage import buckets
from datalake.storage.unpacking import is_packed
from operations import jobs, leases
from operations.leases import Lease
from operations.models import Job
from operations.subjects import Subject

JOB_KIND = "translate_ranks"
# where nobody drops files: no later one replaces what a score file was made from
KEPT = "fanlist/received/"
KEY = re.compile(FOLDER + r"(?P<fanlist>[A-Za-z0-9-]{1,40})/(?P<name>[^/]{1,200}\.csv(\.gz)?)")
Watching = Callable[[int], AbstractContextManager[object]]


def subject_of(rank_file: RankFile) -> Subject:
    return Subject("rank_file", str(rank_file.pk))


def open_job(rank_file: RankFile, *, by: User | None) -> Job:
    """The job that translates the file: the live one, or the last one set to run again, or a new
    one.
    """
    return jobs.open_or_requeue(JOB_KIND, subject_of(rank_file), by=by)


def receive(
    campaign: Campaign,
    fanlist_id: str,
    name: str,
    file: BinaryIO,
    *,
    by: User | None,
    activate: bool = True,
    reason: str = "",
    watching: Watching = nullcontext,
) -> Received:
    """Store a file of ranks and translate it, in the foreground: the score file is then ready to be
    processed. [S-15]

    `watching` shows how far a job is, while it is worked on inside. Raises what `store` and
    `translate` raise; CancelledByHand if the translation was paused or cancelled.
    """
    stored = store(campaign, fanlist_id, name, file, by=by, activate=activate, reason=reason)
    return _translated(stored, by=by, watching=watching)


def take(key: str, *, by: User | None, reason: str = "") -> Received:
    """As `receive`, for a file that is in the scoring bucket already, at
    `fanlist/uploaded/{fanlist_id}/{file}.csv`.

    Raises UnknownFanList if the list was never registered, and what `receive` raises.
    """
    match = KEY.fullmatch(key)
    if match is None:
        raise UnreadableFile(
            f"{key} is not a rank file. Rank files are at {FOLDER}{{fan list}}/{{file}}.csv."
        )
    fanlist = FanList.objects.select_related("campaign").filter(fanlist_id=match["fanlist"]).first()
    if fanlist is None:
        raise UnknownFanList(
            f"Fan list {match['fanlist']} does not belong to a campaign yet. Add it on the"
            " Fan lists page, or process its first file with translate_ranks and the"
            " campaign id."
        )
    with buckets.scoring().open(key) as file:
        looked_at = _looked_at(fanlist.campaign, file, by=by, reason=reason)
        stored = _stored(fanlist, match["name"], file, looked_at, by=by, reason=reason)
        return _translated(stored, by=by)


def store(
    campaign: Campaign,
    fanlist_id: str,
    name: str,
    file: BinaryIO,
    *,
    by: User | None,
    activate: bool = True,
    reason: str = "",
) -> RankFile:
    """Take a file of ranks (seekable, open for reading) into the scoring bucket. The list's first
    file registers it. A late one needs a `reason` and a person with the right. [S-8, S-15]

    Raises BadFanListId, FanListTaken, UnreadableFile, WrongStatus, UnreadableList,
    ListEntryInvalid, LateRefused; then nothing is written.
    """
    looked_at = _looked_at(campaign, file, by=by, reason=reason)
    fanlist = register(campaign, fanlist_id)
    return _stored(fanlist, name, file, looked_at, by=by, activate=activate, reason=reason)


def _stored(
    fanlist: FanList,
    name: str,
    file: BinaryIO,
    looked_at: tuple[str, int],
    *,
    by: User | None,
    activate: bool = True,
    reason: str,
) -> RankFile:
    sha256, size = looked_at
    values = {
        "name": Path(name).name[:255],
        "key": _key_of(fanlist, name, sha256, file),
        "bytes": size,
        "created_by": by,
        "activate": activate,
        "reason": reason.strip(),
    }
    rank_file = _register(fanlist, sha256, values)
    bucket = buckets.scoring()
    if not bucket.exists(rank_file.key):
        file.seek(0)
        bucket.put(rank_file.key, file)  # after the row: no transaction waits for the bucket
    return rank_file


def register(campaign: Campaign, fanlist_id: str) -> FanList:
    """The campaign's fan list of this name, from now on if it is new. Raises BadFanListId,
    FanListTaken. [S-15]
    """
    try:
        PUBLIC_ID(fanlist_id)
    except ValidationError as error:
        raise BadFanListId(f"{fanlist_id!r} is not a valid fan list id. {error.message}") from error
    fanlist, _ = FanList.objects.select_related("campaign").get_or_create(
        fanlist_id=fanlist_id, defaults={"campaign": campaign}
    )
    if fanlist.campaign_id != campaign.pk:
        raise FanListTaken(
            f"Fan list {fanlist_id} belongs to campaign {fanlist.campaign.campaign_id}, not"
            f" {campaign.campaign_id}. Choose that campaign, or use another fan list id."
        )
    return fanlist


def translate(job_id: int) -> Received | None:
    """Translate the job's file of ranks and take the result in as a score file; None if it was
    paused or cancelled.

    Raises UnreadableFile and what `reception.receive` raises; the job then says why.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    received: Received | None = None
    with leases.working(job_id) as lease:
        rank_file = RankFile.objects.select_related(
            "fanlist__campaign", "score_file", "created_by"
        ).get(pk=number)
        received = known(rank_file) or _translate(rank_file, lease)
        manifest.write(rank_file.fanlist)
        records = rank_file.counts["records"]
        leases.finish(
            lease, rows_in=records, rows_out=records, progress=2 * records, total=2 * records
        )
    return received


def known(rank_file: RankFile) -> Received | None:
    """What the file became, unless that failed: then it may become something else today."""
    score_file = rank_file.score_file
    if score_file is None or score_file.state == ScoreFileState.FAILED:
        return None
    return Received(score_file, repeated=True)


def _translated(
    rank_file: RankFile, *, by: User | None, watching: Watching = nullcontext
) -> Received:
    if (already := known(rank_file)) is not None:
        manifest.write(rank_file.fanlist)  # the worker that translated it may have died before
        return already
    job = open_job(rank_file, by=by)
    with watching(job.pk):
        received = translate(job.pk)
    if received is None:
        raise CancelledByHand(
            f"The translation of {rank_file.name} was paused or cancelled by a user. Upload"
            " the file again to continue."
        )
    return received


def _translate(rank_file: RankFile, lease: Lease) -> Received:
    def report_progress(done: int, to_do: int) -> None:
        lease.report_progress(done, to_do)
        lease.check_stop()

    campaign = rank_file.fanlist.campaign
    require_open(campaign)
    work = Path(settings.FAIRWAVE_DATA) / "work"
    work.mkdir(parents=True, exist_ok=True)
    with buckets.scoring().open(rank_file.key) as file, tempfile.TemporaryFile(dir=work) as made:
        out = cast("BinaryIO", made)  # it has no name, so no data outlives the process
        limits.require_bounded(file, most_bytes=settings.UPLOAD_MAX_BYTES)
        lease.step("Comparing the ranks", progress=0, total=0)
        found = translation.survey(file, rank_file.sha256, report_progress)
        lease.step(
            "Writing the scores", first=found.records, rows=found.records, progress=found.records
        )
        translation.translate(file, out, found, campaign, rank_file.formula, report_progress)
        received = receive_scores(
            campaign,
            rank_file.name.removesuffix(".gz"),
            out,
            by=rank_file.created_by,
            activate=rank_file.activate,
            reason=rank_file.reason,
            fanlist=rank_file.fanlist,
        )
    rank_file.counts, rank_file.score_file = found.counts, received.score_file
    if not received.score_file.manifest_key:
        received.score_file.manifest_key = manifest.key_of(rank_file.fanlist)
        received.score_file.ignored_columns = list(found.header.ignored)
    with transaction.atomic():
        lease.hold()
        received.score_file.save(update_fields=["manifest_key", "ignored_columns"])
        rank_file.save(update_fields=["counts", "score_file"])
    return received


def _looked_at(
    campaign: Campaign, file: BinaryIO, *, by: User | None, reason: str
) -> tuple[str, int]:
    """SHA-256 and size of a file that may come now; the job looks into it. Raises as `store`."""
    require_open(campaign)
    if file.seek(0, io.SEEK_END) > settings.UPLOAD_MAX_BYTES:
        raise limits.too_large(settings.UPLOAD_MAX_BYTES)
    rules.gather(campaign)  # lists that cannot be read fail the file now, not in an hour
    file.seek(0)
    looked_at = sha256_of(file)
    same = RankFile.objects.filter(
        fanlist__campaign=campaign, sha256=looked_at[0], formula=campaign.scoring_type
    )
    if not any(known(each) for each in same.select_related("score_file")):
        # what it becomes is judged again when it is received
        permit(campaign, LateKind.SCORE_FILE, "This rank file", by=by, reason=reason)
    return looked_at


def _register(fanlist: FanList, sha256: str, values: dict[str, Any]) -> RankFile:
    """The row of these bytes in this list, by the campaign's formula of today. Once they are a
    score file, they stay so.
    """
    rank_file, is_new = RankFile.objects.select_related(
        "fanlist__campaign", "score_file"
    ).get_or_create(
        fanlist=fanlist, sha256=sha256, formula=fanlist.campaign.scoring_type, defaults=values
    )
    # another file may have its old key by now
    if not is_new and known(rank_file) is None:
        again = ("key", "activate", "reason", "created_by")
        for column in again:
            setattr(rank_file, column, values[column])
        rank_file.save(update_fields=again)
    return rank_file


def _key_of(fanlist: FanList, name: str, sha256: str, file: BinaryIO) -> str:
    """Where the file is kept: under its own name, in a folder of its bytes and of nobody else."""
    stem = (
        re.sub(r"[^A-Za-z0-9._-]", "-", Path(name).name.removesuffix(".gz").removesuffix(".csv"))[
            :100
        ].lstrip(".")
        or "ranks"
    )
    ending = ".csv.gz" if is_packed(file) else ".csv"
    return f"{KEPT}{fanlist.fanlist_id}/{sha256[:12]}/{stem}{ending}"
