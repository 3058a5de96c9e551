"""Which markets each candidate of a wave could be selected for, and why the others were none, kept
at its preparation to prove the draw. [W-5, S-10]

Registrations, lists and contacts go on changing after a wave is prepared; who was a candidate then
must stay provable. Each fan of the score file has one cell: `A|B` = candidate for these markets,
best first; `!reason` = an `Exclusion`; `=A` = comes back with a code for market A [W-6]. A `+`
before the first two: who registered only after the roster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from waves.choices import Exclusion
from waves.markets import MarketSeat
from waves.selection.candidates import Candidates

AT_ONCE = 250_000  # fans: what their cells take in memory does not grow with the campaign
_SCHEMA = pl.Schema({"global_user_id": pl.String, "cell": pl.String})


def write_candidates(
    target: Path, candidates: Candidates, seats: Sequence[MarketSeat], market_ids: Mapping[int, str]
) -> None:
    """The record as a Parquet file: what `cells_of` gives."""

    def cells(*_: object) -> Iterator[pl.DataFrame]:
        return cells_of(candidates, seats, market_ids)

    register_io_source(cells, schema=_SCHEMA).sink_parquet(target)


def cells_of(
    candidates: Candidates, seats: Sequence[MarketSeat], market_ids: Mapping[int, str]
) -> Iterator[pl.DataFrame]:
    """`global_user_id` and `cell` of every fan of the score file, in no order, many at a time.
    `market_ids`: of the campaign's markets, by key.
    """
    back = pl.col("held_market").replace_strict(dict(market_ids), return_dtype=pl.String)
    parts: list[tuple[pl.DataFrame, Callable[[pl.DataFrame], pl.DataFrame]]] = [
        (candidates.frame, lambda fans: _of_candidates(fans, seats)),
        (
            candidates.returning,
            lambda fans: fans.with_columns(pl.concat_str(pl.lit("="), back).alias("cell")),
        ),
        (candidates.left_out, lambda fans: fans.with_columns(_marked(_because(pl.col("reason"))))),
    ]
    for frame, with_cells in parts:
        for fans in frame.iter_slices(AT_ONCE):
            yield with_cells(fans).select(_SCHEMA.names())


def with_eligible(fans: pl.DataFrame, seats: Sequence[MarketSeat]) -> pl.DataFrame:
    """The fans and `eligible`: market ids joined by |, best first; empty where they have none.

    `fans`: `preferences` (List of String or Enum, empty = any market), `registered_at` (Datetime,
    UTC). [W-5]
    """
    seats = sorted(seats, key=lambda seat: (seat.position, seat.market_id))
    fans = fans.with_columns(pl.col("preferences").cast(pl.List(pl.String)))
    registered = pl.col("registered_at")
    # Who registered between two closing times may have all that close later: so each such part is
    # one expression over its lists. Measured with 400,000 fans: a tenth of joining each preference.
    parts, opened = [], datetime.min.replace(tzinfo=UTC)
    numbered = fans.with_row_index("row")
    for closes in sorted({seat.selection_time for seat in seats}):
        still_open = [seat.market_id for seat in seats if seat.selection_time >= closes]
        in_time = numbered.filter(registered.is_between(opened, closes, closed="right"))
        parts.append(in_time.with_columns(_joined(still_open).alias("eligible")))
        opened = closes
    too_late = numbered.filter(registered > opened)
    parts.append(too_late.with_columns(pl.lit("").alias("eligible")))
    return pl.concat(parts).sort("row").drop("row")


def _joined(market_ids: Sequence[str]) -> pl.Expr:
    """Those of the preferences that are among these markets; all of them where there are none."""
    preferences = pl.col("preferences")
    wanted = preferences.list.eval(pl.when(pl.element().is_in(list(market_ids))).then(pl.element()))
    return (
        pl.when(preferences.list.len() == 0)
        .then(pl.lit("|".join(market_ids)))
        .otherwise(wanted.list.join("|", ignore_nulls=True))
    )


def _of_candidates(fans: pl.DataFrame, seats: Sequence[MarketSeat]) -> pl.DataFrame:
    asked, in_wave = pl.col("preferences"), [seat.market_id for seat in seats]
    wants_any = (asked.list.len() == 0) | asked.list.eval(pl.element().is_in(in_wave)).list.any()
    cell = (
        pl.when(pl.col("eligible") != "")
        .then("eligible")
        .when(wants_any)
        .then(_because(pl.lit(Exclusion.REGISTERED_TOO_LATE.value)))
        .otherwise(_because(pl.lit(Exclusion.NO_MARKET_WANTED.value)))
    )
    return with_eligible(fans, seats).with_columns(_marked(cell))


def _because(reason: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit("!"), reason.cast(pl.String))


def _marked(cell: pl.Expr) -> pl.Expr:
    return (
        pl.when("unrostered").then(pl.concat_str(pl.lit("+"), cell)).otherwise(cell).alias("cell")
    )
