"""In which file of the lake a record is: by its identity, the claim that saved it, and the merges
since. [L-2, L-4, X-10]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from datalake.models import Claim, LakeFile, SeenRecord
from datalake.records import partition_day
from datalake.save import CONSUMER
from operations import instants


@dataclass(frozen=True)
class Saved:
    """A record in the lake: since when, and the file that holds it for readers now."""

    at: datetime | None
    key: str


def saved(record_type: str, dedupe_hash: str, created: datetime) -> Saved | None:
    """Where the record with this identity and date.created is; None if it was not saved, or so long
    ago that identities of then are not kept any more.
    """
    digest = UUID(dedupe_hash[-32:])
    seen = SeenRecord.objects.filter(consumer=CONSUMER, digest=digest).first()
    if seen is None:
        return None
    day = str(partition_day(instants.stamp(created)))
    files = LakeFile.objects.select_related("merged_into").filter(record_type=record_type)
    file = files.filter(claim=seen.claim, period=day).first()
    if file is None:  # claimed, and not written yet
        return None
    while file.merged_into is not None:
        merged = files.filter(key=file.merged_into.merged_key).first()
        if merged is None:
            break
        file = merged
    return Saved(Claim.objects.values_list("done_at", flat=True).get(pk=seen.claim), file.key)
