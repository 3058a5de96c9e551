from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from waves.markets import MarketSeat
from waves.selection import eligibility
from waves.selection.allocation import select
from waves.selection.candidates import NOBODY_RETURNS, Candidates
from waves.selection.eligibility import cells_of, with_eligible, write_candidates

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
MARKETS = ("b", "a", "c")
NOBODY_LEFT_OUT = pl.DataFrame(
    schema={"global_user_id": pl.String, "unrostered": pl.Boolean, "reason": pl.String}
)


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
    """Best first; no preferences mean any market in position order. The selection agrees who is a
    candidate, and the record which reasons exclude how many others. [S-10]
    """
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
    found = with_eligible(fans, shuffled).filter(pl.col("eligible") != "")
    assert dict(found.select("global_user_id", "eligible").iter_rows()) == due
    selected = select(fans, markets)
    assert selected.candidates == len(due)
    kept = Candidates(fans.with_columns(unrostered=False), NOBODY_RETURNS, NOBODY_LEFT_OUT)
    cells = [cell for part in cells_of(kept, shuffled, {}) for cell in part["cell"]]
    reasons = Counter(cell[1:] for cell in cells if cell.startswith("!"))
    assert reasons == {str(why): fans for why, fans in selected.excluded.items() if fans}


def test_the_record_has_a_cell_for_every_fan_of_the_score_file(tmp_path: Path, monkeypatch) -> None:
    """S-10: candidates with their markets, those who come back, and the others with the reason; a
    plus says that the roster has no preferences of theirs.
    """
    monkeypatch.setattr(eligibility, "AT_ONCE", 2)
    late = NOON + timedelta(days=9)
    markets = seats(random.Random(1))
    fans = pl.DataFrame(
        [
            ("x", ["c", "a"], NOON, False),
            ("y", [], NOON, True),
            ("none of them", ["elsewhere"], NOON, False),
            ("late", ["a"], late, False),
            ("late for any", [], late, True),
        ],
        schema={
            "global_user_id": pl.String,
            "preferences": pl.List(pl.String),
            "registered_at": pl.Datetime("us", "UTC"),
            "unrostered": pl.Boolean,
        },
        orient="row",
    )
    back = pl.DataFrame({"global_user_id": ["back"], "held_market": [7]})
    left_out = pl.DataFrame(
        {
            "global_user_id": ["z", "w"],
            "unrostered": [False, True],
            "reason": ["not_registered", "no_contact"],
        }
    )
    record = tmp_path / "candidates.parquet"
    write_candidates(record, Candidates(fans, back, left_out), markets, {7: "b"})
    assert dict(pl.read_parquet(record).rows()) == {
        "x": "c|a",
        "y": "+b|a|c",
        "none of them": "!no_market_wanted",
        "late": "!registered_too_late",
        "late for any": "+!registered_too_late",
        "back": "=b",
        "z": "!not_registered",
        "w": "+!no_contact",
    }
