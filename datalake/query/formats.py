"""A result as text: a table for the terminal, CSV, JSON. Pure. [L-8]"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Final

WIDEST_CELL: Final = 60  # of a table; CSV and JSON have the whole value
FORMATS: Final = ("table", "csv", "json")


def rendered(kind: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> str:
    """The result in one of FORMATS."""
    names = [name for name, _ in columns]
    if kind == "json":
        return json.dumps(as_objects(columns, rows), ensure_ascii=False)
    if kind == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(text_rows(columns, rows))
        return out.getvalue().removesuffix("\n")
    return "\n".join(_table(names, rows))


def as_objects(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Each row by name. Of columns with the same name, later ones get a number: `n`, `n_2`."""
    names = [name for name, _ in columns]
    keys: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(2))
        free = (each for each in numbered if each not in names and each not in keys)
        keys.append(next(free) if name in keys else name)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def text_rows(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> Iterator[list[str]]:
    """The names, and each row's values as texts."""
    yield [name for name, _ in columns]
    for row in rows:
        yield [as_text(value) for value in row]


def as_text(value: Any) -> str:
    """A value for people: nothing for null, lists and records as JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _table(names: list[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    cells = [names, *([as_text(value) for value in row] for row in rows)]
    lines = [[_shortened(cell) for cell in row] for row in cells]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    numbers = [
        bool(rows) and all(_is_number(row[at]) or row[at] is None for row in rows)
        for at in range(len(names))
    ]
    return [
        "  ".join(
            _filled(text, width, right=number)
            for text, width, number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shortened(cell: str) -> str:
    """One line of a terminal: control characters would steer it."""
    text = "".join(letter if letter.isprintable() else " " for letter in cell)
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _filled(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
