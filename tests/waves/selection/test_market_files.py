"""The market file laid over the campaign's markets. [W-5]"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from waves.errors import BadMarketFile, UnknownMarket
from waves.markets import MarketSeat
from waves.selection.market_files import content_of, markets_of_wave

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
OWN = [
    MarketSeat("west", "West", 100, NOON, 0, "own"),
    MarketSeat("east", "East", 50, NOON, 1, "own"),
]
HEADER = "marketId,marketName,capacity,selectionTime\n"


def markets(text: str) -> list[MarketSeat]:
    return markets_of_wave(text.encode(), OWN)


def test_without_a_file_all_the_campaigns_markets_are_in_the_wave():
    assert markets_of_wave(None, OWN) == OWN


def test_a_file_names_the_markets_and_changes_what_it_fills_in():
    text = HEADER + 'east,"East, coast",7,2026-01-17T12:00:00Z\n'
    there = datetime(2026, 1, 17, 12, tzinfo=UTC)
    assert markets(text) == [MarketSeat("east", "East, coast", 50, there, 1, "own", most=7)]


@pytest.mark.parametrize(("capacity", "given", "room"), [(7, 45, 5), (3, 45, 3), (90, 50, 0)])
def test_a_files_capacity_is_the_most_of_what_the_campaign_has_left(capacity, given, room):
    """W-5"""
    own = [replace(OWN[1], given=given)]
    (seat,) = markets_of_wave(f"{HEADER}east,,{capacity},\n".encode(), own)
    assert (seat.capacity, seat.given, seat.room) == (50, given, room)


def test_an_empty_cell_keeps_what_the_campaign_says():
    assert markets(HEADER + "west,,,\n") == [OWN[0]]


def test_columns_are_taken_by_name_and_the_order_stays_the_campaigns():
    text = "\ufeffselectionTime,codeSource,capacity,marketId,marketName\r\n,TM,3,east,\r\n,,4,west,\r\n"
    assert [(s.market_id, s.room, s.code_source) for s in markets(text)] == [
        ("west", 4, "own"),
        ("east", 3, "tm"),
    ]


def test_an_unknown_market_is_refused_with_its_line():
    with pytest.raises(UnknownMarket, match=r"line 3.*'north'.*east, west"):
        markets(HEADER + "west,,,\nnorth,,5,\n")


def test_lines_without_any_cell_are_passed_over():
    assert markets(HEADER + "west,,,\n,,,\n\n , ,,\n") == [OWN[0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("marketId,marketName,capacity\nwest,,5\n", "'selectionTime' is missing"),
        ("", "'marketId' is missing"),
        (HEADER, "no markets"),
        (HEADER + "west,,-5,\n", "line 2, capacity: '-5'"),
        (HEADER + "west,,5.0,\n", "capacity: '5.0'"),
        (HEADER + "west,,٥,\n", "capacity"),
        (HEADER + "west,,99999999999,\n", "capacity"),
        (HEADER + f"west,,{'9' * 5_000},\n", "line 2, capacity: the text has 5,000 characters"),
        (HEADER + "west,We\0st,5,\n", "line 2, marketName: the text contains a NUL"),
        (
            HEADER + "west,=HYPERLINK(1),5,\n",
            "marketName: '=HYPERLINK\\(1\\)' begins like a formula",
        ),
        (HEADER + "west,../../etc/passwd,5,\n", "line 2, marketName: .*reads like a path"),
        (HEADER + "west,C:\\\\hall,5,\n", "line 2, marketName: .*reads like a path"),
        (HEADER + f"west,{'W' * 201},5,\n", "line 2, marketName: the text has 201 characters"),
        (HEADER + f"west,{'W' * 140_000},5,\n", "marketName: the text has"),
        (HEADER + "west,,5,tomorrow\n", "line 2, selectionTime: 'tomorrow' is not an ISO 8601"),
        (HEADER + "west,,5,2026-01-17T12:00:00\n", "line 2, selectionTime: .* no time zone offset"),
        (HEADER + "west,,5,9999-12-31T23:59:59-14:00\n", "selectionTime: the year 9999"),
        (HEADER + "west,,5,0001-01-01T00:00:00+14:00\n", "selectionTime: the year 0001"),
        (HEADER + "west,,,\n" * 200_000, "larger than 1,000,000 bytes"),
        (HEADER + "west,,5,\nwest,,6,\n", "twice"),
        (HEADER + "west,5\n", "number of columns"),
        (HEADER + "west,,5,,,\n", "number of columns"),
        (HEADER[:-1] + ",codeSource\nwest,,5,,gold\n", "codeSource: 'gold' is unknown"),
    ],
)
def test_what_cannot_be_read_is_refused_with_one_clear_error(text, message):
    with pytest.raises(BadMarketFile, match=message):
        markets(text)


def test_a_file_that_is_not_text_is_refused():
    with pytest.raises(BadMarketFile, match="not CSV in UTF-8"):
        markets_of_wave(b"\xff\xfe\x00\x01", OWN)


def test_what_is_written_of_markets_is_read_as_the_same_markets():
    there = datetime(2026, 1, 17, 12, 0, 0, 1, tzinfo=UTC)
    laid_over = [
        replace(OWN[0], name="West, coast", most=0, code_source="tm"),
        replace(OWN[1], selection_time=there),
    ]
    assert markets_of_wave(content_of(laid_over, OWN), OWN) == laid_over
    assert content_of(OWN, OWN).decode().splitlines()[1:] == ["west,,,,", "east,,,,"]


def test_names_with_dots_and_slashes_that_are_no_paths_stay():
    assert markets(HEADER + "west,N/S... Hall,,\n")[0].name == "N/S... Hall"
