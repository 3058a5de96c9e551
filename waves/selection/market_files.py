"""A wave's market file, which overrides the campaign's own markets. [W-5]

`marketId,marketName,capacity,selectionTime` and optionally `codeSource`, as quoted CSV with a
header, columns by name in any order. An empty cell keeps what the campaign says; a market that is
not named is not in the wave. A capacity is the most that this wave may fill of what the campaign
has left.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from campaigns.choices import CodeSources
from operations.adminkit.spreadsheets import RUN_BY_SPREADSHEETS
from operations.entry import values
from operations.errors import BadValue
from waves.errors import BadMarketFile, UnknownMarket
from waves.markets import MarketSeat

REQUIRED = ("marketId", "marketName", "capacity", "selectionTime")
OPTIONAL = ("codeSource",)
LONGEST_CELL = 200  # as a market's name may be
MOST_BYTES = 1_000_000
_PATH = re.compile(r"^[/\\~]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)", re.ASCII)
Value = TypeVar("Value")
_SEPARATOR = re.compile(r"\s*\|\s*")


def markets_of_wave(content: bytes | None, own: Sequence[MarketSeat]) -> list[MarketSeat]:
    """The wave's markets in position order: those that the file names, with its values, or all of
    the campaign without a file.

    Raises BadMarketFile with the line, UnknownMarket.
    """
    if content is None:
        return list(own)
    if len(content) > MOST_BYTES:
        raise BadMarketFile(
            f"Markets file: it is larger than {MOST_BYTES:,} bytes, which is the limit. Check that"
            " it is the right file."
        )
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


def content_of(seats: Sequence[MarketSeat], own: Sequence[MarketSeat]) -> bytes:
    """The file that lays these markets over the campaign's: `markets_of_wave` reads them out of it
    again. What is as the campaign has it stays empty.
    """
    by_id = {seat.market_id: seat for seat in own}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*REQUIRED, *OPTIONAL))
    for seat in seats:
        has = by_id[seat.market_id]
        moved = seat.selection_time != has.selection_time
        writer.writerow(
            (
                seat.market_id,
                "" if seat.name == has.name else seat.name,
                "" if seat.most is None else seat.most,
                seat.selection_time.isoformat() if moved else "",
                "" if seat.code_source == has.code_source else seat.code_source,
            )
        )
    return text.getvalue().encode()


def _rows(content: bytes) -> list[tuple[int, Mapping[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
        if missing:
            raise BadMarketFile(
                f"Markets file: column {missing[0]!r} is missing. Required columns:"
                f" {', '.join(REQUIRED)}."
            )
        rows = [(reader.line_num, row) for row in reader]
        return [(line, _cells(row, line)) for line, row in rows if not _is_blank(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadMarketFile(
            f"Markets file: it is not CSV in UTF-8 ({error}). Save it as CSV again."
        ) from error


def _is_blank(row: Mapping[str | None, str | list[str] | None]) -> bool:
    """A line of separators alone, as spreadsheets leave them behind a table."""
    return not any(cell.strip() for cell in row.values() if isinstance(cell, str))


def _cells(row: Mapping[str | None, str | list[str] | None], line: int) -> Mapping[str, str]:
    cells = {name: row.get(name, "") for name in (*REQUIRED, *OPTIONAL)}
    if None in row or any(cell is None for cell in cells.values()):
        raise BadMarketFile(
            f"Markets file, line {line}: the number of columns is different from the header."
        )
    return {
        name: _judged(partial(values.text, longest=LONGEST_CELL), name, str(cell).strip(), line)
        for name, cell in cells.items()
    }


def _overridden(own: MarketSeat, row: Mapping[str, str], line: int) -> MarketSeat:
    capacity, moment = row["capacity"], row["selectionTime"]
    source = _SEPARATOR.sub("|", row["codeSource"].lower())
    changes: dict[str, Any] = {"name": _judged(_name, "marketName", row["marketName"], line)}
    changes["name"] = changes["name"] or own.name
    if capacity:
        changes["most"] = _judged(values.whole_of_text, "capacity", capacity, line)
    if moment:
        changes["selection_time"] = _judged(values.instant, "selectionTime", moment, line)
    if source:
        words = partial(values.word, allowed=CodeSources.values)
        changes["code_source"] = _judged(words, "codeSource", source, line)
    return replace(own, **changes)


def _name(key: str, name: str) -> str:
    """What neither a spreadsheet would run nor a program would take for a path."""
    if name.startswith(RUN_BY_SPREADSHEETS):
        raise BadValue(
            key,
            f"{values.shown(name)} begins like a formula. Remove its first character, or leave the"
            " cell empty to keep the campaign's name.",
        )
    if _PATH.search(name):
        raise BadValue(
            key,
            f"{values.shown(name)} reads like a path to a file. Leave the cell empty to keep the"
            " campaign's name.",
        )
    return name


def _judged(judge: Callable[[str, str], Value], name: str, cell: str, line: int) -> Value:
    try:
        return judge(name, cell)
    except BadValue as error:
        raise BadMarketFile(f"Markets file, line {line}, {error}") from error
