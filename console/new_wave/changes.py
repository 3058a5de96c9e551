"""Other plans beside that of the form: what each has otherwise. [X-4]"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from console.new_wave.boxes import whole_number
from console.new_wave.form import ORDERS
from waves.choices import Order
from waves.markets import MarketSeat
from waves.selection.what_if import MOST_PLANS, PlanChange

NUMBERS = range(2, MOST_PLANS + 1)  # plan 1 is the form's


class PlanForm(forms.Form):
    """What plan `number` has otherwise; what is empty is as in plan 1."""

    order = forms.ChoiceField(
        label="Selection order", choices=[("", "As in plan 1"), *ORDERS], required=False
    )
    single_market = forms.ChoiceField(label="Single market", required=False)
    min_score = forms.FloatField(label="Minimum score", min_value=0, max_value=1, required=False)
    reassign = forms.ChoiceField(
        label="Fans who already hold a code",
        choices=[("", "As in plan 1"), ("yes", "Also selected"), ("no", "Not selected")],
        required=False,
    )
    late_registrations = forms.BooleanField(label="Count late registrations", required=False)

    def __init__(
        self, number: int, own: Sequence[MarketSeat], data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, prefix=f"plan{number}")
        self.number = number
        named = [(seat.market_id, seat.name) for seat in own]
        self.fields["single_market"].choices = [  # type: ignore[attr-defined]
            ("", "As in plan 1"),
            *named,
        ]
        self._capacities = {seat.market_id: f"capacity-{seat.market_id}" for seat in own}
        for seat in own:
            field = whole_number(f"At most in {seat.name}, plan {number}", if_empty="as in plan 1")
            self.fields[self._capacities[seat.market_id]] = field

    def capacity(self, market_id: str) -> forms.BoundField:
        return self[self._capacities[market_id]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("order") == Order.SINGLE_MARKET and not cleaned.get("single_market"):
            self.add_error("single_market", "Choose the market.")
        return cleaned

    def change(self) -> PlanChange:
        """Only of a valid form."""
        cleaned = self.cleaned_data
        entered = {name: cleaned[field] for name, field in self._capacities.items()}
        return PlanChange(
            capacities={name: most for name, most in entered.items() if most is not None},
            min_score=cleaned["min_score"],
            order=Order(cleaned["order"]) if cleaned["order"] else None,
            single_market=cleaned["single_market"],
            late_registrations=cleaned["late_registrations"],
            reassign={"yes": True, "no": False}.get(cleaned["reassign"]),
        )


def plan_forms(own: Sequence[MarketSeat], data: Mapping[str, Any] | None = None) -> list[PlanForm]:
    return [PlanForm(number, own, data) for number in NUMBERS]
