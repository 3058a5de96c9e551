"""A wave's market file, which overrides the campaign's own markets. [W-5]

`marketId,marketName,capacity,selectionTime` and optionally `codeSource`, as quoted CSV with a
header, columns by name in any order. An empty cell keeps what the campaign says; a market that is
not named is not in the wave.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from campaigns.choices import CodeSource
from operations import instants
from operations.instants import NaiveInstant, NotAnInstant
from waves.errors import BadMarketFile, NaiveDate, UnknownMarket
from waves.markets import MarketSeat

REQUIRED = ("marketId", "marketName", "capacity", "selectionTime")
OPTIONAL = ("codeSource",)
MOST_SEATS = 2**31 - 1


def markets_of_wave(content: bytes | None, own: Sequence[MarketSeat]) -> list[MarketSeat]:
    """The wave's markets in position order: those that the file names, with its values, or all of
    the campaign without a file.

    Raises BadMarketFile with the line, UnknownMarket, NaiveDate.
    """
    if content is None:
        return list(own)
    by_id = {seat.market_id: seat for seat in own}
    seats: dict[str, MarketSeat] = {}
    for line, row in _rows(content):
        market_id = row["marketId"]
        if market_id not in by_id:
            known = ", ".join(sorted(by_id)) or "none"
            raise UnknownMarket(
                f"Markets file, line {line}: the campaign has no market {market_id!r}. Its"
                f" markets are: {known}."
            )
        if market_id in seats:
            raise BadMarketFile(
                f"Markets file, line {line}: market {market_id!r} appears twice. Keep one line."
            )
        seats[market_id] = _overridden(by_id[market_id], row, line)
    if not seats:
        raise BadMarketFile(
            "Markets file: there are no markets. Add a line for each market of the wave."
        )
    return sorted(seats.values(), key=lambda seat: (seat.position, seat.market_id))


def _rows(content: bytes) -> list[tuple[int, Mapping[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
        if missing:
            raise BadMarketFile(
                f"Markets file: column {missing[0]!r} is missing. Required columns:"
                f" {', '.join(REQUIRED)}."
            )
        return [(reader.line_num, _cells(row, reader.line_num)) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadMarketFile(
            f"Markets file: it is not CSV in UTF-8 ({error}). Save it as CSV again."
        ) from error


def _cells(row: Mapping[str | None, str | list[str] | None], line: int) -> Mapping[str, str]:
    cells = {name: row.get(name, "") for name in (*REQUIRED, *OPTIONAL)}
    if None in row or any(cell is None for cell in cells.values()):
        raise BadMarketFile(
            f"Markets file, line {line}: the number of columns is different from the header."
        )
    return {name: str(cell).strip() for name, cell in cells.items()}


def _overridden(own: MarketSeat, row: Mapping[str, str], line: int) -> MarketSeat:
    return replace(
        own,
        name=row["marketName"] or own.name,
        capacity=_capacity(row["capacity"], line) if row["capacity"] else own.capacity,
        selection_time=(
            _moment(row["selectionTime"], line) if row["selectionTime"] else own.selection_time
        ),
        code_source=_code_source(row["codeSource"], line) if row["codeSource"] else own.code_source,
    )


def _capacity(text: str, line: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_SEATS):
        raise BadMarketFile(
            f"Markets file, line {line}: capacity {text!r} is not a whole number, 0 or more."
        )
    return int(text)


def _moment(text: str, line: int) -> datetime:
    try:
        return instants.parse(text)
    except NaiveInstant as error:
        raise NaiveDate(f"Markets file, line {line}: selection time {error}") from error
    except NotAnInstant as error:
        raise BadMarketFile(
            f"Markets file, line {line}: selection time {text!r} is not an ISO 8601 date."
        ) from error


def _code_source(text: str, line: int) -> str:
    if text.lower() not in CodeSource.values:
        raise BadMarketFile(
            f"Markets file, line {line}: code source {text!r} is unknown. Use one of:"
            f" {', '.join(CodeSource.values)}."
        )
    return text.lower()
