"""A wave's own rules beside the campaign's: a minimum score, an order, one market alone, and in its
markets file markets that are left out and selection times. A capacity of its own does not count as
one: it is public anyway. Once luck can be known, rules of its own could favor somebody. So they
need a right and a reason, and are public with the number of members that they moved. [S-8, W-5]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from campaigns.draw import LOW
from operations.plurals import plural
from waves.choices import Order
from waves.selection.allocation import Selection
from waves.selection.plan import Plan
from waves.selection.planned_selection import select_members
from waves.selection.what_if import differences

ORDERS = {Order.BY_MARKET_ORDER: "filled in market order", Order.SINGLE_MARKET: "market {} alone"}


def own_rules(plan: Plan) -> list[str]:
    """The wave's own rules, in words; none where it selects as the campaign does."""
    found = []
    if (plan.min_score or 0.0) > max(LOW.low, plan.campaign.min_score):
        found.append(f"minimum score {plan.min_score:g}")
    if (words := ORDERS.get(plan.order)) is not None:
        found.append(words.format(plan.single_market))
    return found + _of_markets_file(plan)


def _of_markets_file(plan: Plan) -> list[str]:
    """What a single market leaves out is said already."""
    seats = {seat.market_id: seat for seat in plan.file_seats}
    left_out = sum(seat.market_id not in seats for seat in plan.all_seats)
    times = {seat.market_id: seat.selection_time for seat in plan.all_seats}
    moved = sum(seat.selection_time != times[seat.market_id] for seat in seats.values())
    said = []
    if left_out:
        said.append(f"{plural(left_out, 'market')} left out")
    if moved:
        said.append(f"{plural(moved, 'selection time')} of its own")
    return said


def moved_by_own_rules(plan: Plan, selection: Selection, lists: Mapping[str, bytes]) -> int:
    """How many members the wave's own rules moved: fans who would otherwise have been selected for
    another market, or not, or alone otherwise. Selects a second time, by the same `lists`; writes
    nothing.
    """
    without = replace(
        plan, order=Order.BY_PREFERENCE, single_market="", min_score=None, seats=plan.all_seats
    )
    return moved_between(selection.members, select_members(without, lists).selection.members)


def moved_between(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """Fans who are in one of two selections (`global_user_id`, `market_id`) alone, or in both with
    different markets.
    """
    return sum(differences(one, other).values())
