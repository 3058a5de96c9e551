"""Records of fans who were erased are done with: they are no dead letters either, where the fan
would be kept. [X-11]
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from datalake.erased.fans import erased_since
from operations.entry import values

logger = logging.getLogger(__name__)


def without_erased(consumer: str, records: Sequence[Mapping[str, Any]]) -> set[int]:
    """The numbers of the records that are to be worked on: not those that are older than their
    fan's erasure, and none without a date of a fan who was erased.
    """
    fans = pl.Series([each["globalUserId"].strip() for each in records], dtype=pl.String)
    created = pl.Series([_created(each) for each in records], dtype=pl.String)
    dates = created.str.to_datetime(time_zone="UTC", strict=False)
    erased = erased_since(fans, dates.fill_null(pl.datetime(1, 1, 1, time_zone="UTC")))
    if erased.any():
        gone = int(erased.sum())
        logger.info("records of erased fans", extra={"consumer": consumer, "count": gone})
    return {number for number, is_gone in enumerate(erased) if not is_gone}


def _created(record: Mapping[str, Any]) -> str | None:
    date = record.get("date")
    created = date.get("created") if isinstance(date, Mapping) else None
    return created if isinstance(created, str) and not values.is_unfit(created) else None
