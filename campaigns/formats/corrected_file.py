"""A corrected file of rejected rows, read in pieces and checked against the rows that it corrects.
[C-4, S-14]

Memory is 8 bytes a row, however large the file is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import islice
from typing import BinaryIO

import numpy as np

from campaigns.errors import BadCorrection
from campaigns.formats import corrected_rows
from campaigns.formats.corrected_rows import Corrected, LineNumbers, Original

ROWS_AT_A_TIME = 2_000
LONGEST_TEXT = 8 * 1024 * 1024  # characters of one line of the corrected file
NOT_UTF8 = re.compile("[\udc80-\udcff]")  # bytes that were no text, as they are read

# line numbers → reason and text of those that were rejected
LookUp = Callable[[list[int]], Mapping[int, tuple[str, str]]]


def lines_of(
    file: BinaryIO, original: Original, look_up: LookUp, *, most: int
) -> Iterator[tuple[list[int], list[bytes]]]:
    """The corrected rows as tab-separated lines with the original's columns, some at a time, each
    with the number of the line that it corrects.

    `most`: how many rows were rejected. Raises BadCorrection, also for a file without rows.
    """
    rows, seen, count = rows_in(file, original), list[LineNumbers](), 0
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        numbers = [row.line for row in some]
        yield numbers, list(corrected_rows.as_lines(some, look_up(numbers), original))
        seen.append(np.array(numbers, dtype=np.int64))
        count += len(numbers)
        if count > most:
            break  # so some came twice: it need not be read to an end that may be far
    if not seen:
        raise BadCorrection(
            "The corrected file has no rows. Keep the rejected rows that you want to submit again."
        )
    corrected_rows.refuse_repeated(np.concatenate(seen))


def rows_in(file: BinaryIO, original: Original) -> Generator[Corrected]:
    """The rows of a corrected file (seekable), which stays open. Raises BadCorrection."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from corrected_rows.read(_text_lines(text), original)
    finally:
        text.detach()


def _text_lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 1
    while line := text.readline(LONGEST_TEXT):
        if len(line) == LONGEST_TEXT:
            raise BadCorrection(
                f"Line {number} of the corrected file is too long. Upload the CSV of the"
                " rejected rows."
            )
        if NOT_UTF8.search(line):
            raise BadCorrection(
                f"The corrected file is not UTF-8 in line {number}. Save it as “CSV UTF-8” in the"
                " spreadsheet."
            )
        yield line
        number += 1
