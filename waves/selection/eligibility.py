"""Which markets each candidate of a wave could be selected for, and why the others were none, kept
at its preparation to prove the draw. [W-5, S-10]

Registrations, lists and contacts go on changing after a wave is prepared; who was a candidate then
must stay provable. Each fan of the score file has one cell: `A|B` = candidate for these markets,
best first; `!reason` = an `Exclusion`; `=A` = comes back with a code for market A [W-6]. A `+`
before the first two: who registered only after the roster.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import polars as pl

from waves.choices import Exclusion
from waves.markets import MarketSeat
from waves.selection.candidates import Candidates


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


def cells_of(
    candidates: Candidates, seats: Sequence[MarketSeat], market_ids: Mapping[int, str]
) -> pl.DataFrame:
    """`global_user_id` and `cell` of every fan of the score file, in no order. `market_ids`: of the
    campaign's markets, by key.
    """
    fans = candidates.frame.select(
        "global_user_id", "preferences", "registered_at", "unrostered"
    ).join(
        eligible_markets(candidates.frame, seats),
        on="global_user_id",
        how="left",
        maintain_order="left",
    )
    in_wave = [seat.market_id for seat in seats]
    asked = pl.col("preferences")
    wants_any = (asked.list.len() == 0) | asked.list.eval(pl.element().is_in(in_wave)).list.any()
    why_not = pl.when(wants_any).then(_because(Exclusion.REGISTERED_TOO_LATE))
    back = pl.col("held_market").replace_strict(dict(market_ids), return_dtype=pl.String)
    of_candidates = pl.coalesce("eligible", why_not.otherwise(_because(Exclusion.NO_MARKET_WANTED)))
    return pl.concat(
        [
            fans.select("global_user_id", _marked(of_candidates)),
            candidates.returning.select(
                "global_user_id", pl.concat_str(pl.lit("="), back).alias("cell")
            ),
            candidates.left_out.select(
                "global_user_id",
                _marked(pl.concat_str(pl.lit("!"), pl.col("reason").cast(pl.String))),
            ),
        ]
    )


def _because(reason: Exclusion) -> pl.Expr:
    return pl.lit(f"!{reason.value}")


def _marked(cell: pl.Expr) -> pl.Expr:
    return (
        pl.when("unrostered").then(pl.concat_str(pl.lit("+"), cell)).otherwise(cell).alias("cell")
    )


def candidates_record(
    candidates: Candidates, seats: Sequence[MarketSeat], market_ids: Mapping[int, str]
) -> bytes:
    """The record: the frame of `cells_of` as a Parquet file."""
    buffer = io.BytesIO()
    found = cells_of(candidates, seats, market_ids)
    found.with_columns(pl.col("cell").cast(pl.Categorical)).write_parquet(buffer)
    return buffer.getvalue()
