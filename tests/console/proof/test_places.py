"""Places of the candidates of a wave, from the lines of a bundle."""

from __future__ import annotations

import polars as pl

from campaigns.draw import draw_frame, in_order
from console.proof.places import Luck, in_places
from tests.console.proof.bundle_cases import DRAW, fans

MEMBERS = pl.DataFrame({"place": [2, 1], "market_id": ["west", "east"]})


def test_s9_equal_scores_stand_by_h_as_in_the_draw_and_each_cell_names_place_and_market():
    """Some are equal to one other, some to many, some to none."""
    drawn = draw_frame(fans(90), DRAW).sort("fan_ref").with_row_index()
    score = (
        pl.when(pl.col("index") % 3 == 0)
        .then(0.5)
        .when(pl.col("index") < 4)
        .then(0.9)
        .otherwise(pl.col("band_score"))
    )
    drawn = drawn.with_columns(band_score=score, score=score, wave=pl.col("index") % 5 > 0)
    page = {"campaign_id": "12345", "seed": DRAW.seed.hex(), "entropy": {"value": DRAW.entropy}}
    found = in_places(drawn, "wave", MEMBERS, Luck.of(page))
    expected = in_order(drawn.filter("wave"), DRAW)["fan_ref"].to_list()
    assert drawn["fan_ref"].gather(found.order).to_list() == expected
    markets = {1: "east", 2: "west"}
    cells = {ref: f"{at}:{markets.get(at, '')}" for at, ref in enumerate(expected, 1)}
    shown = found.cells(10, 80).to_list()
    assert shown == [cells.get(ref, "") for ref in drawn["fan_ref"][10:]]
