"""Which markets each candidate of a wave could be selected for, kept at its preparation to prove
the draw. [W-5, S-10]

Registrations, lists and contacts go on changing after a wave is prepared; who was a candidate then
must stay provable.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from waves.markets import MarketSeat

COLUMNS = ("global_user_id", "preferences", "registered_at")


def eligible_markets(candidates: pl.DataFrame, seats: Sequence[MarketSeat]) -> pl.DataFrame:
    """`global_user_id` and `eligible` (market ids joined by |, best first) of those who have any.

    `candidates`: `global_user_id`, `preferences` (List[String], empty = any market),
    `registered_at` (Datetime, UTC). [W-5]
    """
    seats = sorted(seats, key=lambda seat: (seat.position, seat.market_id))
    # Who registered between two closing times may have all that close later: so each such part is
    # one expression over its lists. Measured with 400,000 fans: a tenth of joining each preference.
    parts, opened = [], datetime.min.replace(tzinfo=UTC)
    fans = candidates.lazy().with_row_index("row")
    for closes in sorted({seat.selection_time for seat in seats}):
        in_time = pl.col("registered_at").is_between(opened, closes, closed="right")
        still_open = [seat.market_id for seat in seats if seat.selection_time >= closes]
        parts.append(fans.filter(in_time).with_columns(_joined(still_open).alias("eligible")))
        opened = closes
    if not parts:
        return pl.DataFrame(schema={"global_user_id": pl.String, "eligible": pl.String})
    found = pl.concat(parts).filter(pl.col("eligible") != "").sort("row")
    return found.select("global_user_id", "eligible").collect().rechunk()


def _joined(market_ids: Sequence[str]) -> pl.Expr:
    """Those of the preferences that are among these markets; all of them where there are none."""
    preferences = pl.col("preferences")
    wanted = preferences.list.eval(pl.when(pl.element().is_in(list(market_ids))).then(pl.element()))
    return (
        pl.when(preferences.list.len() == 0)
        .then(pl.lit("|".join(market_ids)))
        .otherwise(wanted.list.join("|", ignore_nulls=True))
    )


def candidates_record(candidates: pl.DataFrame, seats: Sequence[MarketSeat]) -> bytes:
    """The record: the frame of `eligible_markets` as a Parquet file; the same candidates in the
    same order, the same bytes.
    """
    buffer = io.BytesIO()
    eligible_markets(candidates.select(COLUMNS), seats).write_parquet(buffer)
    return buffer.getvalue()
