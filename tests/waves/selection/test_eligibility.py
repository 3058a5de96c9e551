from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from waves.markets import MarketSeat
from waves.selection.allocation import select
from waves.selection.eligibility import candidates_record, eligible_markets

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
MARKETS = ("b", "a", "c")


def seats(dice: random.Random) -> list[MarketSeat]:
    return [
        MarketSeat(m, m, 1, NOON + timedelta(hours=dice.randrange(3)), position)
        for position, m in enumerate(MARKETS)
    ]


@settings(max_examples=40)
@given(st.integers(0, 25), st.randoms(use_true_random=False))
def test_w5_a_fan_is_eligible_for_what_they_want_and_registered_in_time_for(
    count: int, dice: random.Random
) -> None:
    """Best first; no preferences mean any market in position order; and the selection agrees who is
    a candidate."""
    markets = seats(dice)
    fans = pl.DataFrame(
        {
            "global_user_id": [f"f{number}" for number in range(count)],
            "preferences": [
                dice.sample(["a", "b", "c", "elsewhere"], dice.randrange(4)) for _ in range(count)
            ],
            "registered_at": [NOON + timedelta(minutes=dice.randrange(150)) for _ in range(count)],
            "band_score": [0.5] * count,
            "luck": list(range(count)),
        },
        schema_overrides={
            "preferences": pl.List(pl.String),
            "registered_at": pl.Datetime("us", "UTC"),
            "global_user_id": pl.String,
        }
        | {"band_score": pl.Float64, "luck": pl.Int64},
    )
    closes = {seat.market_id: seat.selection_time for seat in markets}
    due = {}
    for fan, wishes, registered in fans.select(
        "global_user_id", "preferences", "registered_at"
    ).iter_rows():
        found = [
            market
            for market in wishes or MARKETS
            if market in closes and registered <= closes[market]
        ]
        if found:
            due[fan] = "|".join(found)
    shuffled = dice.sample(markets, len(markets))
    assert dict(eligible_markets(fans, shuffled).iter_rows()) == due
    assert select(fans, markets).candidates == len(due)


def test_the_record_reads_back_and_is_the_same_bytes_each_time() -> None:
    fans = pl.DataFrame(
        {
            "global_user_id": ["x", "y"],
            "preferences": [["c", "a"], []],
            "registered_at": [NOON, NOON],
            "email": ["x@example.com"] * 2,
        },
        schema_overrides={
            "preferences": pl.List(pl.String),
            "registered_at": pl.Datetime("us", "UTC"),
        },
    )
    markets = seats(random.Random(1))
    kept = candidates_record(fans, markets)
    assert kept == candidates_record(fans, markets)
    assert b"example.com" not in kept
    assert pl.read_parquet(io.BytesIO(kept)).rows() == [("x", "c|a"), ("y", "b|a|c")]
