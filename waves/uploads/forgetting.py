"""Rows of erased fans do not stay in an uploaded list, nor in the file of its rejected rows. [X-11,
W-3]
"""

from __future__ import annotations

from functools import partial

import polars as pl

from campaigns.formats.fan_lines import without_fans
from datalake.erased.names import name_of
from datalake.storage.rewriting import rewrite_lines
from waves.choices import RowReason


def without_erased(raws: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rejected lines (`line`, `reason`, `raw`), empty where they are of an erased fan; `rows`: as
    they were judged.
    """
    theirs = rows.filter(pl.col("global_user_id").is_in(_erased(rows)))["line"]
    kept = pl.when(pl.col("line").is_in(theirs.implode())).then(pl.lit("")).otherwise("raw")
    return raws.with_columns(kept.alias("raw"))


def forget_erased(key: str, campaign_id: str, rows: pl.DataFrame) -> None:
    """Take the erased fans out of the list, which a later attempt reads to the same end: the name
    that stands for a fan is that of an erased one. Raises OSError while the bucket is down.
    """
    names = {fan: name_of(campaign_id, fan, 0) for fan in _erased(rows)}
    if names:
        rewrite_lines(key, partial(without_fans, names=names))


def _erased(rows: pl.DataFrame) -> list[str]:
    return rows.filter(pl.col("reason") == RowReason.ERASED.value)["global_user_id"].to_list()
