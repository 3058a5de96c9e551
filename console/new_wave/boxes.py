"""The markets of a wave as boxes to check, each with what the wave has of its own there. [W-5]"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from campaigns.choices import CodeSources
from operations.adminkit.wall_clock import WallClockField, use_zone
from operations.entry.values import MOST_WHOLE
from waves.markets import MarketSeat
from waves.selection.market_files import LONGEST_CELL, content_of

NONE_CHOSEN = "Check at least one market."


def whole_number(label: str, *, if_empty: str) -> forms.IntegerField:
    """Seats, or nothing, which means `if_empty`."""
    widget = forms.NumberInput({"min": 0, "inputmode": "numeric", "placeholder": if_empty})
    return forms.IntegerField(
        label=label, min_value=0, max_value=MOST_WHOLE, required=False, widget=widget
    )


class MarketBox(forms.Form):
    """One market of the campaign: in the wave or not, and what the wave changes of it."""

    chosen = forms.BooleanField(required=False)
    capacity = whole_number("At most in this wave", if_empty="all room")
    selection_time = WallClockField(
        label="Selection time",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}),
    )
    code_source = forms.ChoiceField(label="Codes", choices=CodeSources.choices, required=False)
    # as a markets file has it; the campaign's where it is empty
    name = forms.CharField(max_length=LONGEST_CELL, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        own: MarketSeat,
        zone: ZoneInfo,
        initial: dict[str, Any],
    ) -> None:
        """`own`: the market as the campaign has it."""
        super().__init__(data, prefix=f"market-{own.market_id}", initial=initial)
        self.own = own
        use_zone(self, zone)

    def seat(self) -> MarketSeat:
        """The market as the wave has it; only of a valid box."""
        cleaned = self.cleaned_data
        return replace(
            self.own,
            name=cleaned["name"] or self.own.name,
            most=cleaned["capacity"],
            selection_time=cleaned["selection_time"] or self.own.selection_time,
            code_source=cleaned["code_source"] or self.own.code_source,
        )


class MarketBoxes:
    """A box for each market of the campaign, in position order. `seats`: the markets that the wave
    has at first.
    """

    def __init__(
        self,
        own: Sequence[MarketSeat],
        zone: ZoneInfo,
        *,
        data: Mapping[str, Any] | None = None,
        seats: Sequence[MarketSeat] = (),
    ) -> None:
        of_wave = {seat.market_id: seat for seat in seats}
        self.own, self.problem = own, ""
        self.boxes = [
            MarketBox(data, own=each, zone=zone, initial=_values(of_wave.get(each.market_id), each))
            for each in own
        ]

    def is_valid(self) -> bool:
        wrong = [box for box in self.boxes if not box.is_valid()]
        chosen = any(box.cleaned_data.get("chosen") for box in self.boxes)
        self.problem = "" if chosen or not self.boxes else NONE_CHOSEN
        return not wrong and not self.problem

    def seats(self) -> list[MarketSeat]:
        """The markets that are checked, as the wave has them."""
        return [box.seat() for box in self.boxes if box.cleaned_data["chosen"]]

    def are_the_campaigns(self) -> bool:
        return self.seats() == list(self.own)

    def content(self) -> bytes:
        """The markets file that says the same."""
        return content_of(self.seats(), self.own)

    def data_of(self, seats: Sequence[MarketSeat]) -> dict[str, str]:
        """What a browser would send if the boxes were these markets."""
        of_wave = {seat.market_id: seat for seat in seats}
        sent = {}
        for box in self.boxes:
            for name, value in _values(of_wave.get(box.own.market_id), box.own).items():
                shown = box.fields[name].prepare_value(value)
                sent[box.add_prefix(name)] = "" if shown is None or shown is False else str(shown)
        return sent

    def refuse(self, market_id: str, field: str, problem: str) -> None:
        """Show what is wrong with a market at its field."""
        for box in self.boxes:
            if box.own.market_id == market_id:
                box.add_error(field, problem)


def _values(seat: MarketSeat | None, own: MarketSeat) -> dict[str, Any]:
    """What a box shows; `seat` is None for a market that is not in the wave."""
    shown = seat or own
    return {
        "chosen": seat is not None,
        "capacity": shown.most,
        "selection_time": shown.selection_time,
        "code_source": shown.code_source,
        "name": "" if shown.name == own.name else shown.name,
    }
