"""Plans side by side: a column for each, a row for each market. [X-4]"""

from __future__ import annotations

from datetime import UTC, datetime

from console.new_wave.changes import plan_forms
from console.new_wave.kept import PlanResult
from console.new_wave.side_by_side import Column, excluded_rows, market_rows
from waves.markets import MarketSeat

NOON = datetime(2026, 1, 18, tzinfo=UTC)
OWN = [MarketSeat("west", "West", 9, NOON), MarketSeat("east", "East", 9, NOON)]


def found(*markets: str, **excluded: int) -> PlanResult:
    result = {"markets": [{"market_id": each} for each in markets], "excluded": excluded}
    return PlanResult(result, {}, 0, "", NOON)


def columns() -> list[Column]:
    second, third, _ = plan_forms(OWN)
    return [
        Column(1, None, found("west", "east", not_registered=1)),
        Column(2, second, found("east", below_minimum_score=2, not_registered=1)),
        Column(3, third),
    ]


def test_a_market_that_a_plan_leaves_out_is_said_in_its_cell():
    west, east = market_rows(OWN, columns())
    assert [cell.is_left_out for cell in west.cells] == [False, True, False]
    assert [cell.result for cell in east.cells] == [{"market_id": "east"}] * 2 + [None]
    assert [cell.field is None for cell in east.cells] == [True, False, False]


def test_each_reason_of_any_plan_has_a_row_in_the_order_in_which_it_is_checked():
    assert excluded_rows(columns()) == [
        ("not_registered", [1, 1, None]),
        ("below_minimum_score", [0, 2, None]),
    ]
