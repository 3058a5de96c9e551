"""What another plan has otherwise, as it is entered. [X-4]"""

from __future__ import annotations

from datetime import UTC, datetime

from console.new_wave.changes import PlanForm, plan_forms
from waves.choices import Order
from waves.markets import MarketSeat
from waves.selection.what_if import PlanChange

OWN = [MarketSeat("west", "West", 100, datetime(2026, 1, 18, tzinfo=UTC))]


def entered(**values: str) -> PlanForm:
    form = PlanForm(2, OWN, {f"plan2-{name.replace('__', '-')}": v for name, v in values.items()})
    form.is_valid()
    return form


def test_plans_in_which_nothing_is_entered_change_nothing():
    assert [form.number for form in plan_forms(OWN)] == [2, 3, 4]
    assert not entered().change()


def test_a_plan_changes_what_was_entered_of_it():
    form = entered(capacity__west="0", min_score="0.5", late_registrations="on")
    assert form.change() == PlanChange({"west": 0}, 0.5, late_registrations=True)
    for said, reassign in (("yes", True), ("no", False), ("", None)):
        assert entered(reassign=said).change().reassign is reassign
    alone = entered(order="single_market", single_market="west").change()
    assert (alone.order, alone.single_market) == (Order.SINGLE_MARKET, "west")


def test_a_plan_of_one_market_names_it():
    assert entered(order="single_market").errors["single_market"] == ["Choose the market."]
