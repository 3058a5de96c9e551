"""The file of a supplement: the header and accepted lines of its parent, then the corrected rows.
[S-14]

Read and written in pieces: memory is 8 bytes a rejected row, however large the files are.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import BinaryIO, cast

import numpy as np
from django.db import connection

from campaigns.errors import BadCorrection, CannotSupplement, UnreadableFile
from campaigns.formats.score_bytes import open_lines, sha256_of
from campaigns.models import RejectedRow, ScoreFile
from campaigns.supplements import corrections
from campaigns.supplements.corrections import Corrected, LineNumbers
from datalake.storage import buckets
from datalake.storage.unpacking import UNREADABLE, unpacked

PIECE_BYTES = 4 * 1024 * 1024
ROWS_AT_A_TIME = 2_000
LONGEST_TEXT = 8 * 1024 * 1024  # characters of one line of the corrected file
NOT_UTF8 = re.compile("[\udc80-\udcff]")  # bytes that were no text, as they are read
READING, COPYING = "Checking the corrected rows", "Copying the accepted rows"

# the step, how many rows are done, of how many (0: not known)
ReportStep = Callable[[str, int, int], object]


def no_progress(step: str, done: int, total: int) -> None:
    """For work whose progress is not shown."""


def counted_by(report_progress: Callable[[int, int], object]) -> ReportStep:
    """Shows the progress of the step that takes long: the copying."""

    def report_step(step: str, done: int, total: int) -> None:
        if step == COPYING:
            report_progress(done, total)

    return report_step


def compose(
    parent: ScoreFile, file: BinaryIO, out: BinaryIO, report_step: ReportStep = no_progress
) -> int:
    """Write the parent's header and accepted lines, byte for byte, then the corrected rows. Returns
    how many these are.

    The corrected file is read first, so what is wrong with it is found before much is copied.
    Raises BadCorrection, CannotSupplement, UnreadableFile.
    """
    columns, copied = columns_of(parent), -1  # the header is no row
    with tempfile.TemporaryFile() as corrected:
        came_back = 0
        for lines in _corrected(parent, file, columns):
            corrected.writelines(lines)
            came_back += len(lines)
            report_step(READING, came_back, 0)
        if not came_back:
            raise BadCorrection(
                "The corrected file has no rows. Keep the rejected rows that you want to"
                " submit again."
            )
        for piece in _accepted(parent):
            out.write(piece)
            copied += piece.count(b"\n")
            report_step(COPYING, copied, parent.accepted)
        corrected.seek(0)
        shutil.copyfileobj(cast("BinaryIO", corrected), out, PIECE_BYTES)
    return came_back


def columns_of(parent: ScoreFile) -> tuple[str, ...]:
    """The columns of a score file, as its header names them."""
    with buckets.scoring().open(parent.key) as source:
        return open_lines(source)[0].columns


def _corrected(
    parent: ScoreFile, file: BinaryIO, columns: tuple[str, ...]
) -> Iterator[list[bytes]]:
    """The corrected rows as lines, some at a time, each checked against the rejected row it comes
    from.
    """
    rows, seen, count = rows_in(file, columns), list[LineNumbers](), 0
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        numbers = [row.line for row in some]
        yield list(corrections.as_lines(some, _rejected(parent, numbers), columns))
        seen.append(np.array(numbers, dtype=np.int64))
        count += len(numbers)
        if count > parent.rejected:
            break  # so some came twice: it need not be read to an end that may be far
    if seen:
        corrections.refuse_repeated(np.concatenate(seen))


def _rejected(parent: ScoreFile, lines: list[int]) -> dict[int, tuple[str, str]]:
    """Reason and text of those of the lines that were rejected."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line, reason, raw FROM campaigns_rejectedrow WHERE score_file_id = %s AND line"
            " = ANY(%s)",
            [parent.pk, lines],
        )
        return {line: (reason, raw) for line, reason, raw in cursor.fetchall()}


def rows_in(file: BinaryIO, columns: tuple[str, ...]) -> Generator[Corrected]:
    """The rows of a corrected file (seekable), which stays open. Raises BadCorrection."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from corrections.read(_text_lines(text), columns)
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


def _accepted(parent: ScoreFile) -> Iterator[bytes]:
    """The header and the accepted lines of the parent, in pieces. Raises UnreadableFile,
    CannotSupplement.
    """
    rejected = (
        RejectedRow.objects.filter(score_file=parent)
        .order_by("line")
        .values_list("line", flat=True)
    )
    left_out = np.fromiter(rejected.iterator(chunk_size=50_000), dtype=np.int64)
    if len(left_out) != parent.rejected:
        raise CannotSupplement(
            f"Only {len(left_out)} of the {parent.rejected} rejected rows of score file"
            f" {parent.pk} are stored, so a supplement cannot be created. Upload a complete"
            " score file instead."
        )
    with buckets.scoring().open(parent.key) as source:
        if sha256_of(source)[0] != parent.sha256:
            raise UnreadableFile(
                f"Score file {parent.pk} was changed in the bucket. Upload the file again."
            )
        try:
            yield from corrections.without(_pieces(unpacked(source)), left_out)
        except UNREADABLE as error:
            raise UnreadableFile(
                f"Score file {parent.pk} cannot be read from the bucket ({error})."
            ) from error


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece
