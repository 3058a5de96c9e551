"""A score file comes in: looked at, named, registered as an attempt of its campaign, put into the bucket. [S-1, S-12]"""

import re
from dataclasses import dataclass
from typing import BinaryIO

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from campaigns import rules
from campaigns.choices import ScoreFileState
from campaigns.duplicates import GZIP_MAGIC, first_look, sha256_of
from campaigns.errors import WrongCampaign
from campaigns.models import Campaign, FanList, ScoreFile
from campaigns.opening import require_open
from datalake import storage

NAME = re.compile(r"(?P<campaign>[A-Za-z0-9-]{1,40})\.(?P<timestamp>[A-Za-z0-9_:+-]{1,36})\.txt(\.gz)?")


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
    supplement_of: ScoreFile | None = None,
    fanlist: FanList | None = None,
) -> Received:
    """Take a file (seekable, open for reading) into the scoring bucket as an attempt of its campaign. [S-1, S-12]

    `supplement_of` and `fanlist` say what the file was made from, if it was not uploaded as it is. [S-14, S-15] The same
    bytes are the same score file, also if it failed: its bytes are then put in their place again, and it can be processed
    again. Raises WrongStatus, WrongCampaign, UnreadableFile, UnreadableList, ListEntryInvalid; then nothing is written.
    """
    require_open(campaign)
    timestamp = _timestamp_in_list(name) if fanlist else _timestamp_of(campaign, name)
    header = first_look(file)
    rules.gather(campaign)  # lists that cannot be read fail the file now, not in an hour
    file.seek(0)
    sha256, size = sha256_of(file)
    known = _same_bytes(campaign, sha256)
    if known is None:
        values: dict[str, object] = {"name": name, "sha256": sha256, "bytes": size, "created_by": by}
        values |= {"activate_when_streamed": activate, "ignored_columns": list(header.ignored)}
        values |= {"supplement_of": supplement_of, "fanlist": fanlist}
        try:
            with transaction.atomic():
                score_file = _register(campaign, timestamp, _ending(file), fanlist, values)
        except IntegrityError:  # the same bytes came in twice at once
            known = _same_bytes(campaign, sha256)
            if known is None:
                raise
    if known is not None:
        score_file = known
        ScoreFile.objects.filter(pk=known.pk, state=ScoreFileState.FAILED).update(activate_when_streamed=activate)
    if known is None or known.state == ScoreFileState.FAILED or not storage.scoring().exists(score_file.key):
        file.seek(0)
        storage.scoring().put(score_file.key, file)  # after the row: no transaction waits for the bucket
    return Received(score_file, repeated=known is not None)


def _same_bytes(campaign: Campaign, sha256: str) -> ScoreFile | None:
    return ScoreFile.objects.filter(campaign=campaign, sha256=sha256).order_by("-id").first()


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


def _timestamp_in_list(name: str) -> str:
    """What tells a fan list's files apart: the file's own name, in the letters that a timestamp may have."""
    return re.sub(r"[^A-Za-z0-9_:+-]", "-", name.removesuffix(".csv"))[:36] or "ranks"


def _ending(file: BinaryIO) -> str:
    file.seek(0)
    return ".txt.gz" if file.read(len(GZIP_MAGIC)) == GZIP_MAGIC else ".txt"


def _register(campaign: Campaign, timestamp: str, ending: str, fanlist: FanList | None, values: dict[str, object]) -> ScoreFile:
    """The row of a new attempt. A timestamp that another attempt has gets the attempt's number behind it."""
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    others = ScoreFile.objects.filter(campaign=campaign)
    attempt = (others.aggregate(last=Max("attempt"))["last"] or 0) + 1
    while others.filter(timestamp=timestamp).exists():
        timestamp = f"{timestamp[:30]}-{attempt}"
    return ScoreFile.objects.create(
        campaign=campaign, attempt=attempt, timestamp=timestamp, **_keys(campaign, timestamp, ending, fanlist), **values
    )


def _keys(campaign: Campaign, timestamp: str, ending: str, fanlist: FanList | None) -> dict[str, str]:
    """Where the file and its outputs lie in the scoring bucket. [S-1, S-11, S-15]"""
    if fanlist is not None:
        scored = f"fanlist/scored/{fanlist.fanlist_id}/{timestamp}"
        return {"key": f"{scored}{ending}", "scrubbed_key": f"{scored}.csv", "rejected_key": f"{scored}.rejected.csv"}
    stem = f"{campaign.campaign_id}.{timestamp}"
    scrubbed = f"scrubbed/{stem}"
    return {"key": f"scored/{stem}{ending}", "scrubbed_key": f"{scrubbed}.csv", "rejected_key": f"{scrubbed}.rejected.csv"}
