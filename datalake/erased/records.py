"""Records of erased fans: type, dates, campaign, market, score, code and tags stay; the id becomes
the name of an erased fan, contacts go, and the identity is made anew. [X-11]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import polars as pl

from datalake.erased.erasing import Sought
from datalake.erased.fans import known
from datalake.erased.names import name_of
from datalake.records import SEPARATOR, frame_schema
from operations.entry.trimming import trim

FAN, IDENTITY = "globalUserId", "dedupeHash"
EMPTIED: Final = ("memberId", "email", "phone")


def forget(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The record under another name. Its identity is made of the old one and the reference in the
    name, without the number: the same record makes the same one whenever it is forgotten, also
    where it was sent again, and nobody can make it from ids.
    """
    kept = {key: None if key in EMPTIED else value for key, value in record.items()}
    if isinstance(old := record.get(IDENTITY), str):
        whose = name.rpartition(".")[0]
        kept[IDENTITY] = hashlib.sha256(f"{whose}{SEPARATOR}{old}".encode()).hexdigest()
    return kept | {FAN: name}


def forget_any(value: Any, sought: Sought) -> Any:
    """Whatever JSON can say without the fan: records of theirs are forgotten, records of other fans
    stay as they are, and the id and the contacts are taken out of every other text.
    """
    if isinstance(value, dict):
        whose = trim(value[FAN]) if isinstance(value.get(FAN), str) else ""
        if whose not in ("", sought.fan_id) or (whose and sought.keeps(value)):
            return value
        inner = {key: forget_any(each, sought) for key, each in value.items()}
        if not whose:
            return inner
        campaign = value.get("campaignId")
        name = name_of(str(campaign or ""), sought.fan_id, sought.number)
        return forget({**inner, IDENTITY: value[IDENTITY]} if IDENTITY in value else inner, name)
    if isinstance(value, list):
        return [forget_any(each, sought) for each in value]
    return sought.taken_out(value) if isinstance(value, str) else value


def without_erased(
    record_type: str, frame: pl.DataFrame, *, as_of: datetime | None = None
) -> pl.DataFrame:
    """The same record frame in which records from before their fan's erasure are forgotten; only
    erasures that were known `as_of` (None: now) count, so that a repeat comes to the same.
    """
    dates = (
        frame["date"]
        .struct.field("created")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us", time_zone="UTC", strict=False)
    )
    gone = known(as_of=as_of).are_before(frame[FAN], dates)
    if not gone.any():
        return frame
    forgotten = [
        forget(record, name_of(record["campaignId"], record[FAN], 0))
        for record in frame.filter(gone).to_dicts()
    ]
    new = pl.DataFrame(forgotten, schema=frame_schema(record_type))
    numbered = frame.with_row_index("number")
    both = [
        numbered.filter(~gone),
        new.with_columns(numbered.filter(gone)["number"]).select(numbered.columns),
    ]
    return pl.concat(both).sort("number").drop("number")
