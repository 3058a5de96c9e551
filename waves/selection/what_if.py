"""What if: plans of a wave that differ in capacities, minimum, order or market, that count who
registered late, or reassign codes; and what each would do otherwise than the first. Pure. [X-4]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, cast

import polars as pl

from operations.entry import values
from operations.errors import BadValue
from waves.choices import Order
from waves.errors import UnknownMarket
from waves.markets import MarketSeat
from waves.selection.market_files import content_of
from waves.selection.planned_selection import PlannedSelection
from waves.selection.request import WaveRequest

MOST_PLANS = 4


@dataclass(frozen=True)
class PlanChange:
    """What one plan has otherwise than another; None or empty = the same. `capacities`: the most
    that the wave may fill of a market, by its id. `late_registrations`: who has registered by now
    counts for each market.
    """

    capacities: Mapping[str, int] = field(default_factory=dict)
    min_score: float | None = None
    order: Order | None = None
    single_market: str = ""
    late_registrations: bool = False
    reassign: bool | None = None

    def __bool__(self) -> bool:
        return self != PlanChange()


def changes_of(content: bytes) -> list[PlanChange]:
    """The changes of up to three plans as JSON: a list of objects with the names of PlanChange.
    Raises BadValue.
    """
    listed = values.json_of("plans", content)
    if not isinstance(listed, list) or not 0 < len(listed) < MOST_PLANS:
        raise BadValue("plans", f"write a list of 1 to {MOST_PLANS - 1} objects.")
    return [_change_of(f"plan {number}", each) for number, each in enumerate(listed, start=2)]


def _change_of(plan: str, given: Any) -> PlanChange:
    if not isinstance(given, dict):
        raise BadValue(plan, f"write an object, not {values.shown(given)}.")
    known: Mapping[str, Callable[[str, Any], object]] = {
        "capacities": _capacities,
        "min_score": partial(values.number, most=1),
        "order": lambda key, value: Order(values.word(key, value, Order.values)),
        "single_market": values.text,
        "late_registrations": values.flag,
        "reassign": values.flag,
    }
    if unknown := sorted(set(given) - set(known)):
        raise BadValue(plan, f"{values.shown(unknown[0])} is unknown. Known: {', '.join(known)}.")
    judged = {name: known[name](f"{plan}, {name}", value) for name, value in given.items()}
    return PlanChange(**cast("dict[str, Any]", judged))


def _capacities(key: str, given: Any) -> Mapping[str, int]:
    if not isinstance(given, dict):
        raise BadValue(key, f"write an object of market ids, not {values.shown(given)}.")
    return {
        market_id: values.whole(f"{key}, {market_id}", most) for market_id, most in given.items()
    }


def changed(
    request: WaveRequest,
    change: PlanChange,
    seats: Sequence[MarketSeat],
    own: Sequence[MarketSeat],
    *,
    now: datetime,
) -> WaveRequest:
    """The request of the plan that is changed so. `seats`: the markets that `request` fills; `own`:
    the campaign's. Raises UnknownMarket.
    """
    known = {seat.market_id for seat in seats}
    if strange := sorted(set(change.capacities) - known):
        raise UnknownMarket(
            f"Market {strange[0]!r} is not in this wave. Choose one of: {', '.join(sorted(known))}."
        )
    moment = now.replace(microsecond=0)  # as a form can show it
    laid_over = [
        replace(
            seat,
            most=change.capacities.get(seat.market_id, seat.most),
            selection_time=max(seat.selection_time, moment)
            if change.late_registrations
            else seat.selection_time,
        )
        for seat in seats
    ]
    order = change.order or (Order.SINGLE_MARKET if change.single_market else request.order)
    alone = change.single_market or request.single_market
    return replace(
        request,
        market_file=content_of(laid_over, own),
        order=order,
        single_market=alone if order in (None, Order.SINGLE_MARKET) else None,
        min_score=request.min_score if change.min_score is None else change.min_score,
        reassign=request.reassign if change.reassign is None else change.reassign,
    )


def compared(plans: Sequence[PlannedSelection]) -> list[dict[str, Any]]:
    """The result object of each plan, as `preview_wave` has it, and what it does otherwise than the
    first: `change` of each market and of the whole are more (or fewer) selected; `waitlist_change`
    likewise; `joining`, `leaving` and `moving` are fans, `moving` those who get another market.
    """
    return [_beside(plans[0], plan) for plan in plans]


def _beside(first: PlannedSelection, plan: PlannedSelection) -> dict[str, Any]:
    result, basis = plan.as_result(), first.as_result()
    before = {market["market_id"]: market["selected"] for market in basis["markets"]}
    for market in result["markets"]:
        market["change"] = market["selected"] - before.get(market["market_id"], 0)
    return result | {
        "change": result["selected"] - basis["selected"],
        "waitlist_change": result["waitlist"] - basis["waitlist"],
        **differences(first.selection.members, plan.selection.members),
    }


def differences(one: pl.DataFrame, other: pl.DataFrame) -> dict[str, int]:
    """Fans who are only in the other selection (`global_user_id`, `market_id`), only in the first,
    and in both with different markets.
    """
    columns = ("global_user_id", "market_id")
    both = one.select(columns).join(
        other.select(columns), on="global_user_id", how="full", coalesce=True, suffix="_other"
    )
    here, there = pl.col("market_id"), pl.col("market_id_other")
    counted = both.select(
        joining=here.is_null().sum(),
        leaving=there.is_null().sum(),
        moving=(here != there).sum(),
    )
    return counted.row(0, named=True)
