"""The markets of a wave as boxes, and as the markets file that says the same. [W-5]"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from console.new_wave.boxes import MarketBoxes
from waves.markets import MarketSeat
from waves.selection.market_files import markets_of_wave

NOON = datetime(2026, 1, 18, 12, 0, 0, 7, tzinfo=UTC)
OWN = [MarketSeat("west", "West", 100, NOON, 0), MarketSeat("e-ast", "East", 50, NOON, 1, given=8)]
ZONE = ZoneInfo("America/New_York")


def sent(**values: str) -> MarketBoxes:
    return MarketBoxes(OWN, ZONE, data={name.replace("__", "-"): v for name, v in values.items()})


def test_boxes_that_come_back_as_they_were_shown_are_the_campaigns_markets():
    shown = MarketBoxes(OWN, ZONE, seats=OWN)
    back = MarketBoxes(OWN, ZONE, data=shown.data_of(OWN))
    assert back.is_valid()
    assert back.are_the_campaigns(), "fractions of seconds included"


def test_what_a_box_changes_stands_in_the_markets_file():
    boxes = sent(
        **{
            "market-e-ast-chosen": "on",
            "market-e-ast-capacity": "7",
            "market-e-ast-selection_time": "2026-01-17T07:00",
            "market-e-ast-code_source": "tm",
            "market-west-capacity": "3",
        }
    )
    assert boxes.is_valid()
    there = datetime(2026, 1, 17, 12, tzinfo=UTC)
    east = replace(OWN[1], most=7, selection_time=there, code_source="tm")
    assert markets_of_wave(boxes.content(), OWN) == [east]


def test_boxes_filled_from_markets_are_those_markets():
    laid_over = [replace(OWN[1], name="East, coast", most=0)]
    boxes = MarketBoxes(OWN, ZONE, data=MarketBoxes(OWN, ZONE).data_of(laid_over))
    assert boxes.is_valid()
    assert boxes.seats() == laid_over


def test_a_wave_without_a_market_is_said_above_the_boxes():
    boxes = sent()
    assert not boxes.is_valid()
    assert boxes.problem == "Check at least one market."


def test_a_number_of_seats_that_cannot_be_is_refused_at_its_field():
    boxes = sent(**{"market-west-chosen": "on", "market-west-capacity": "-1"})
    assert not boxes.is_valid()
    assert "capacity" in boxes.boxes[0].errors
    assert not boxes.boxes[1].errors
