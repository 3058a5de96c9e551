"""A score file comes in: looked at, named, registered as an attempt of its campaign, put into the
bucket. [S-1, S-12]

Every way in ends here: a page, the bucket itself, a command. What stands in the bucket afterwards
is what was hashed: it is read back and hashed again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from campaigns.choices import LateKind, ScoreFileState
from campaigns.errors import NotStored, UnreadableFile, WrongCampaign
from campaigns.formats import limits
from campaigns.formats.score_bytes import first_look, sha256_of
from campaigns.formats.score_rows import Header
from campaigns.late_changes import is_late, permit, record, require_in_time_right
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, FanList, ScoreFile
from campaigns.opening import require_open
from campaigns.scoring import bucket_lists, rules
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from datalake.storage.unpacking import PIECE, is_packed
from operations.database.clock import database_time
from operations.errors import error_text

NAME = re.compile(
    r"(?P<campaign>[A-Za-z0-9-]{1,40})\.(?P<timestamp>[A-Za-z0-9_:+-]{1,36})\.txt(\.gz)?"
)


@dataclass(frozen=True)
class Received:
    """A score file that was taken in; `repeated` if the campaign had these bytes already. [S-12]"""

    score_file: ScoreFile
    repeated: bool


def receive(
    campaign: Campaign,
    name: str,
    file: BinaryIO,
    *,
    by: User | None,
    activate: bool = True,
    reason: str = "",
    supplement_of: ScoreFile | None = None,
    fanlist: FanList | None = None,
) -> Received:
    """Take a file (seekable, open for reading) into the scoring bucket as an attempt of its
    campaign. [S-1, S-12]

    `supplement_of` and `fanlist` say what the file was made from, if it was not uploaded as it is.
    [S-14, S-15] The same bytes are the same score file, also if it failed: its bytes are then put
    in their place again, and it is UPLOADED, for the caller to have it processed. Bytes that were
    begun under other rules than those in force are a new attempt. A late file needs a `reason` and
    a person with the right, and is made active by hand. [S-8]

    Raises WrongStatus, WrongCampaign, UnreadableFile, UnreadableList, ListEntryInvalid,
    NoBlacklist and LateRefused; then nothing is written. And NotStored, or UnreadableFile for what
    changed while it was read: the score file is then FAILED and says so.
    """
    timestamp, header = look(campaign, name, file, in_list=fanlist is not None)
    # lists that cannot be read fail the file now, not in an hour
    files = rules.files_for(campaign)
    rules_digest = rules.digest(rules.snapshot(rules.gather(campaign, files)))
    rules.warnings_of(files)  # raises where a blacklist is asked for
    file.seek(0)
    sha256, size = sha256_of(file)
    known = _same_bytes(campaign, sha256, rules_digest)
    if known is None:
        values: dict[str, Any] = {
            "name": name,
            "sha256": sha256,
            "bytes": size,
            "created_by": by,
        }
        values |= {"activate_when_streamed": activate, "ignored_columns": list(header.ignored)}
        values |= {"supplement_of": supplement_of, "fanlist": fanlist}
        try:
            with transaction.atomic():
                score_file = _register(
                    campaign, timestamp, _ending(file), fanlist, values, reason=reason
                )
                bucket_lists.keep(score_file.campaign, files)
        except IntegrityError:  # the same bytes came in twice at once
            known = _same_bytes(campaign, sha256, rules_digest)
            if known is None:
                raise
    if known is not None:
        score_file = known
        with transaction.atomic():
            if not is_late(lock_campaign(campaign.pk)):
                require_in_time_right(LateKind.SCORE_FILE, "This score file", by=by)
                ScoreFile.objects.filter(pk=known.pk, state=ScoreFileState.FAILED).update(
                    activate_when_streamed=activate
                )
    if (
        known is None
        or known.state == ScoreFileState.FAILED
        or not buckets.scoring().exists(score_file.key)
    ):
        _store(score_file, file)  # after the row: no transaction waits for the bucket
        failed = ScoreFile.objects.filter(pk=score_file.pk, state=ScoreFileState.FAILED)
        failed.update(state=ScoreFileState.UPLOADED, error="")
        score_file.refresh_from_db(fields=["state", "error"])
    return Received(score_file, repeated=known is not None)


def look(
    campaign: Campaign, name: str, file: BinaryIO, *, in_list: bool = False
) -> tuple[str, Header]:
    """What the file is called among its campaign's, and its columns; nothing is written. `in_list`:
    it is a fan list's.

    Raises WrongStatus, WrongCampaign, UnreadableFile. [S-1]
    """
    require_open(campaign)
    timestamp = _timestamp_in_list(name) if in_list else timestamp_of(campaign, name)
    limits.require_bounded(file, most_bytes=settings.UPLOAD_MAX_BYTES)
    return timestamp, first_look(file)


def _store(score_file: ScoreFile, file: BinaryIO) -> None:
    """Put the bytes into the bucket, and see that they are there. Raises NotStored, UnreadableFile;
    the file is then FAILED.
    """
    bucket = buckets.scoring()
    with _failing(score_file):
        file.seek(0)
        try:
            with bucket.writer(score_file.key) as out:
                if _copy(file, out, score_file.bytes) != score_file.bytes:
                    raise _changed(score_file)
            kept = bucket.sha256(score_file.key)
        except OSError as error:
            if _is_stored(score_file):  # only the answer was lost
                return
            why = error.strerror or error
            raise NotStored(
                f"{score_file.name} could not be stored in the scoring bucket ({why}). Upload it"
                " again."
            ) from error
        if kept != score_file.sha256:
            bucket.delete(score_file.key)
            raise _what_went_wrong(score_file, file)


def _is_stored(score_file: ScoreFile) -> bool:
    with suppress(OSError, NoSuchObject):
        return buckets.scoring().sha256(score_file.key) == score_file.sha256
    return False


def _copy(file: BinaryIO, out: BinaryIO, size: int) -> int:
    """Copy the file, but hardly more than `size` bytes. Returns how many were copied."""
    copied = 0
    while copied <= size and (block := file.read(PIECE)):
        out.write(block)
        copied += len(block)
    return copied


def _what_went_wrong(score_file: ScoreFile, file: BinaryIO) -> UnreadableFile | NotStored:
    """The bucket has other bytes than were hashed: does the file itself?"""
    file.seek(0)
    if sha256_of(file) != (score_file.sha256, score_file.bytes):
        return _changed(score_file)
    return NotStored(
        f"{score_file.name} was not stored correctly in the scoring bucket. Upload it again."
    )


def _changed(score_file: ScoreFile) -> UnreadableFile:
    return UnreadableFile(
        f"{score_file.name} changed while it was read. Upload it again when it is complete."
    )


@contextmanager
def _failing(score_file: ScoreFile) -> Iterator[None]:
    """What is not stored cannot be processed: the row says why, and the same bytes may come
    again.
    """
    try:
        yield
    except Exception as error:
        waiting = ScoreFile.objects.filter(
            pk=score_file.pk, state__in=[ScoreFileState.UPLOADED, ScoreFileState.FAILED]
        )
        waiting.update(state=ScoreFileState.FAILED, error=error_text(error))
        raise


def _same_bytes(campaign: Campaign, sha256: str, rules_digest: str) -> ScoreFile | None:
    """The attempt with these bytes that was begun under these rules, else one not begun yet."""
    same = ScoreFile.objects.filter(
        campaign=campaign, sha256=sha256, rules_digest__in=["", rules_digest]
    )
    return same.order_by("-rules_digest", "-id").first()


def timestamp_of(campaign: Campaign, name: str) -> str:
    """The file's own timestamp if it is named {campaign_id}.{timestamp}.txt, else the time of
    arrival. Raises WrongCampaign.
    """
    match = NAME.fullmatch(name)
    if match is None:
        return timezone.now().strftime("%Y%m%dT%H%M%SZ")
    if match["campaign"] != campaign.campaign_id:
        raise WrongCampaign(
            f"The name of {name} contains campaign {match['campaign']}, not"
            f" {campaign.campaign_id}. Choose the right campaign, or rename the file."
        )
    return match["timestamp"]


def _timestamp_in_list(name: str) -> str:
    """What distinguishes a fan list's files: the file's own name, in the letters that a timestamp
    may have.
    """
    return re.sub(r"[^A-Za-z0-9_:+-]", "-", name.removesuffix(".csv"))[:36] or "ranks"


def _ending(file: BinaryIO) -> str:
    return ".txt.gz" if is_packed(file) else ".txt"


def _register(
    campaign: Campaign,
    timestamp: str,
    ending: str,
    fanlist: FanList | None,
    values: dict[str, Any],
    *,
    reason: str,
) -> ScoreFile:
    """The row of a new attempt. A timestamp that another attempt has gets the attempt's number
    behind it. Raises WrongStatus, LateRefused.
    """
    campaign = lock_campaign(campaign.pk)
    require_open(campaign)
    by, parent, received_at = values["created_by"], values["supplement_of"], database_time()
    person = permit(
        campaign, LateKind.SCORE_FILE, "This score file", by=by, reason=reason, at=received_at
    )
    if person is not None:
        values |= {"late": True, "activate_when_streamed": False}
    others = ScoreFile.objects.filter(campaign=campaign)
    attempt = (others.aggregate(last=Max("attempt"))["last"] or 0) + 1
    while others.filter(timestamp=timestamp).exists():
        timestamp = f"{timestamp[:30]}-{attempt}"
    score_file = ScoreFile.objects.create(
        campaign=campaign,
        attempt=attempt,
        timestamp=timestamp,
        created_at=received_at,
        **_keys(campaign, timestamp, ending, fanlist),
        **values,
    )
    if person is not None:
        subject = f"attempt {attempt}"
        if parent:
            subject += f", a supplement of attempt {parent.attempt}"
        record(
            campaign,
            LateKind.SCORE_FILE,
            subject,
            by=person,
            reason=reason,
            moved=None,
            attempt=attempt,
        )
    return score_file


def _keys(
    campaign: Campaign, timestamp: str, ending: str, fanlist: FanList | None
) -> dict[str, str]:
    """Where the file and its outputs lie in the scoring bucket: nowhere that others drop files, so
    that none of theirs replaces ours, nor ours one of theirs. [S-1, S-11, S-15]
    """
    if fanlist is not None:
        scored = f"fanlist/scored/{fanlist.fanlist_id}/{timestamp}"
        return {
            "key": f"{scored}{ending}",
            "scrubbed_key": f"{scored}.csv",
            "rejected_key": f"{scored}.rejected.csv",
        }
    stem = f"{campaign.campaign_id}.{timestamp}"
    scrubbed = f"scrubbed/{stem}"
    return {
        "key": f"received/{stem}{ending}",
        "scrubbed_key": f"{scrubbed}.csv",
        "rejected_key": f"{scrubbed}.rejected.csv",
    }
