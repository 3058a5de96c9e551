"""Which markets each candidate of a wave could be selected for, kept at its preparation to prove
the draw. [W-5, S-10]

Registrations, lists and contacts go on changing after a wave is prepared; who was a candidate then
must stay provable.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import polars as pl

from waves.markets import MarketSeat

COLUMNS = ("global_user_id", "preferences", "registered_at")


def eligible_markets(candidates: pl.DataFrame, seats: Sequence[MarketSeat]) -> pl.DataFrame:
    """`global_user_id` and `eligible` (market ids joined by |, best first) of those who have any.

    `candidates`: `global_user_id`, `preferences` (List[String], empty = any market),
    `registered_at` (Datetime, UTC). [W-5]
    """
    seats = sorted(seats, key=lambda seat: (seat.position, seat.market_id))
    anything = pl.lit([seat.market_id for seat in seats], dtype=pl.List(pl.String))
    closes = pl.DataFrame(
        {
            "wanted": [seat.market_id for seat in seats],
            "closes": [seat.selection_time for seat in seats],
        },
        schema={"wanted": pl.String, "closes": pl.Datetime("us", "UTC")},
    )
    preferred = (
        pl.when(pl.col("preferences").list.len() == 0)
        .then(anything)
        .otherwise(pl.col("preferences"))
    )
    wanted_markets = candidates.select(
        "global_user_id", "registered_at", preferred.alias("wanted")
    ).explode("wanted")
    in_time = wanted_markets.join(closes, on="wanted", how="inner", maintain_order="left").filter(
        pl.col("registered_at") <= pl.col("closes")
    )
    return in_time.group_by("global_user_id", maintain_order=True).agg(
        pl.col("wanted").str.join("|").alias("eligible")
    )


def candidates_record(candidates: pl.DataFrame, seats: Sequence[MarketSeat]) -> bytes:
    """The record: the frame of `eligible_markets` as a Parquet file; the same candidates in the
    same order, the same bytes.
    """
    buffer = io.BytesIO()
    eligible_markets(candidates.select(COLUMNS), seats).write_parquet(buffer)
    return buffer.getvalue()
