"""Plans side by side, as a table shows them: a column for each, a row for each market. [X-4]"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from console.new_wave.changes import PlanForm
from console.new_wave.kept import PlanResult
from waves.choices import Exclusion
from waves.markets import MarketSeat


@dataclass(frozen=True)
class Column:
    """One plan: `form` what it has otherwise (None: plan 1), `found` what it would do, or `refusal`
    why it cannot be; neither of a plan in which nothing was entered.
    """

    number: int
    form: PlanForm | None = None
    found: PlanResult | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Cell:
    """A market in one plan: its result, None where the plan has no such market or no result, and
    the field of its capacity, None of plan 1.
    """

    number: int
    result: dict[str, Any] | None
    field: forms.BoundField | None
    is_left_out: bool


@dataclass(frozen=True)
class MarketRow:
    market: MarketSeat
    cells: list[Cell]


def market_rows(own: Sequence[MarketSeat], columns: Sequence[Column]) -> list[MarketRow]:
    """A row for each market of the campaign, in position order."""
    found = [_by_market(column) for column in columns]
    return [
        MarketRow(
            seat,
            [
                Cell(
                    column.number,
                    markets.get(seat.market_id),
                    column.form.capacity(seat.market_id) if column.form else None,
                    column.found is not None and seat.market_id not in markets,
                )
                for column, markets in zip(columns, found, strict=True)
            ],
        )
        for seat in own
    ]


def excluded_rows(columns: Sequence[Column]) -> list[tuple[str, list[int | None]]]:
    """Each reason for which any plan excludes fans, and how many each plan does; None for a plan
    without a result.
    """
    counts = [column.found.result["excluded"] if column.found else None for column in columns]
    somewhere = {reason for each in counts if each for reason in each}
    return [
        (reason, [None if each is None else each.get(reason, 0) for each in counts])
        for reason in Exclusion.values
        if reason in somewhere
    ]


def _by_market(column: Column) -> dict[str, dict[str, Any]]:
    markets = column.found.result["markets"] if column.found else []
    return {market["market_id"]: market for market in markets}
