"""Corrected rejected rows → lines of the file that they were rejected in, whatever a spreadsheet
made of them. [C-4, S-14]

A row is judged again whether or not it was changed, for the rules may have changed. Each
becomes one line, whatever its cells hold, so no row can shift another.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from campaigns.choices import Reason
from campaigns.errors import BadCorrection
from campaigns.formats.score_rows import KEPT_OF_A_LONG_LINE
from operations.adminkit.spreadsheets import as_meant, neutralised
from operations.entry.trimming import trim

LINE, REASON = "line", "reason"
WANTED = (
    "Upload the CSV of the rejected rows, separated by commas, with the columns"
    " line and reason unchanged."
)
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
FAN_ID = "global_user_id"
# Only where the id was the reason may a correction name another fan.
ABOUT_THE_ID = (
    Reason.MALFORMED_ROW,
    Reason.MISSING_USER_ID,
    Reason.DUPLICATE,
    Reason.SUPERSEDED,
)
UNREADABLE_BYTE = re.compile(rb"\\x([0189a-f][0-9a-f]|7f)")
LineNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Original:
    """The file that the rows were rejected in: what people call it, its columns, and those of them
    that a corrected file must have.
    """

    called: str
    columns: tuple[str, ...]
    needed: frozenset[str]

    @property
    def fan_id_at(self) -> int:
        ours = [name.lower() if name in self.needed else "" for name in self.columns]
        return ours.index(FAN_ID)


@dataclass(frozen=True)
class Corrected:
    """A row of the corrected file: the line it had in the original, why it was rejected, its cells
    by the original's columns.
    """

    line: int
    reason: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class _Layout:
    """Where each column of the original is in the corrected file; None where it was taken out."""

    places: tuple[int | None, ...]
    line: int
    reason: int
    width: int


def read(text: Iterable[str], original: Original) -> Iterator[Corrected]:
    """The rows of a corrected file, its lines given with their ends. Rows without any content are
    passed over.

    Columns are found by name, in any order; columns that the original does not have are ignored.
    Raises BadCorrection.
    """
    lines = iter(text)
    first = next(lines, "")
    _refuse_other_separators(first)
    reader = csv.reader(chain([first], lines), strict=True)
    try:
        layout = _layout([as_meant(name.strip()) for name in next(reader, [])], original)
        for cells in reader:
            if any(map(str.strip, cells)):
                yield _row(cells, layout, reader.line_num)
    except csv.Error as error:
        raise BadCorrection(
            f"The corrected file cannot be read near line {reader.line_num} ({error})."
            " Check for a missing closing quote or a very long cell, and save it as CSV"
            " again."
        ) from error


def _refuse_other_separators(first: str) -> None:
    if "," in first:
        return
    for sign, name in OTHER_SEPARATORS.items():
        if sign in first:
            raise BadCorrection(
                f"The corrected file is separated by {name}. Save it as CSV with commas (UTF-8)."
            )


def _layout(names: Sequence[str], original: Original) -> _Layout:
    """The original's own columns come first, should it have one named line or reason too. Raises
    BadCorrection.
    """
    needed, wanted = original.needed, [*original.columns, LINE, REASON]
    places = [_place(names, name, wanted[:at].count(name)) for at, name in enumerate(wanted)]
    line, reason = places[-2:]
    missing = [
        name for name, place in zip(wanted, places, strict=True) if place is None and name in needed
    ]
    missing += [name for name, place in ((LINE, line), (REASON, reason)) if place is None]
    if missing or line is None or reason is None:
        raise BadCorrection(
            f"The corrected file is missing the column{'s' * (len(missing) > 1)}"
            f" {', '.join(missing)}. {WANTED}"
        )
    if twice := sorted(name for name in needed if names.count(name) > 1):
        raise BadCorrection(f"The corrected file has a column twice: {', '.join(twice)}. {WANTED}")
    return _Layout(tuple(places[:-2]), line, reason, len(names))


def _place(names: Sequence[str], name: str, before: int) -> int | None:
    """Where the name stands for the time after `before` times; None if it does not."""
    found = [place for place, other in enumerate(names) if other == name]
    return found[before] if before < len(found) else None


def _row(cells: Sequence[str], layout: _Layout, near: int) -> Corrected:
    if len(cells) != layout.width:
        raise BadCorrection(
            f"Near line {near} of the corrected file, a row has {len(cells)} cells but the"
            f" header has {layout.width}. Save it as CSV again, with quotes around cells"
            " that contain a comma."
        )
    line = cells[layout.line].strip()
    if not (line.isascii() and line.isdigit() and len(line) <= 18):
        raise BadCorrection(
            f"Near line {near} of the corrected file, the column “line” does not contain a"
            f" line number. {WANTED}"
        )
    values = tuple("" if place is None else cells[place] for place in layout.places)
    return Corrected(int(line), cells[layout.reason].strip(), values)


def as_lines(
    rows: Iterable[Corrected], rejected: Mapping[int, tuple[str, str]], original: Original
) -> Iterator[bytes]:
    """The rows as tab-separated lines with the original's columns, given the reason and text of the
    rejected lines they come from.

    Raises BadCorrection for a row that was not rejected, or for another reason: then this is
    another file's. And for one that names another fan than was rejected for something else.
    """
    called = original.called
    for row in rows:
        if row.line not in rejected:
            raise BadCorrection(
                f"Line {row.line} was not rejected in this {called}. The corrected file may"
                f" belong to another {called}. {WANTED}"
            )
        reason, raw = rejected[row.line]
        if row.reason != reason:
            raise BadCorrection(
                f"Line {row.line} was rejected as {reason} in this {called}, but the"
                f" corrected file has another reason. It may belong to another {called}."
                f" {WANTED}"
            )
        yield _as_line(row, reason, raw, original)


def _as_line(row: Corrected, reason: str, raw: str, original: Original) -> bytes:
    """Cells as they were before a download made them harmless.

    A malformed row has as many cells in the file as the header, whatever it lacked: as long as
    they are not changed it is the original line. Where it still shows a byte as `\\xNN`, the byte
    is put back: its correct value is still unknown.
    """
    before = raw.split("\t", len(row.cells) - 1)
    before += [""] * (len(row.cells) - len(before))
    pairs = list(zip(row.cells, before, strict=True))
    cells = [cell if cell == was else as_meant(cell) for cell, was in pairs]
    id_at = original.fan_id_at
    if reason not in ABOUT_THE_ID and trim(cells[id_at]) != trim(before[id_at]):
        raise BadCorrection(
            f"Line {row.line} was rejected as {reason}, but its {FAN_ID} is not the same as in the"
            f" {original.called}. A spreadsheet may have rounded it: open the CSV with that column"
            " as text."
        )
    line = _unbroken("\t".join(cells))
    if reason == Reason.MALFORMED_ROW:
        untouched = all(cell in (was, neutralised(was)) for cell, was in pairs)
        line = UNREADABLE_BYTE.sub(_byte, _as_it_was(raw) if untouched else line)
    return line + b"\n"


def _as_it_was(raw: str) -> bytes:
    """A line that was cut because it was far too long may look whole: it is not."""
    line = _unbroken(raw)
    return line + b"\v" if len(line) >= KEPT_OF_A_LONG_LINE else line


def _unbroken(text: str) -> bytes:
    """In the place of each break a control character that ends no line: the row is malformed
    still.
    """
    return text.replace("\r", "\v").replace("\n", "\v").encode()


def _byte(escaped: re.Match[bytes]) -> bytes:
    byte = bytes([int(escaped[1], 16)])
    return b"\v" if byte in (b"\r", b"\n") else byte


def refuse_repeated(lines: LineNumbers) -> None:
    """Raises BadCorrection if a line number appears twice."""
    ordered = np.sort(lines)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        raise BadCorrection(
            f"Line {twice[0]} appears twice in the corrected file. Keep each rejected row"
            " only once."
        )
