"""The file of a supplement: the header and accepted lines of its parent, then the corrected rows.
[S-14]

Read and written in pieces: memory is 8 bytes a rejected row, however large the files are.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import BinaryIO, cast

import numpy as np
from django.db import connection

from campaigns.errors import CannotSupplement, UnreadableFile
from campaigns.formats.corrected_file import lines_of
from campaigns.formats.corrected_rows import LineNumbers, Original
from campaigns.formats.score_bytes import open_lines, sha256_of
from campaigns.formats.score_rows import LF
from campaigns.models import RejectedRow, ScoreFile
from datalake.storage import buckets
from datalake.storage.unpacking import UNREADABLE, unpacked

PIECE_BYTES = 4 * 1024 * 1024
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
    original, copied = original_of(parent), -1  # the header is no row
    with tempfile.TemporaryFile() as corrected:
        came_back = 0
        for _, lines in lines_of(file, original, partial(_rejected, parent), most=parent.rejected):
            corrected.writelines(lines)
            came_back += len(lines)
            report_step(READING, came_back, 0)
        for piece in _accepted(parent):
            out.write(piece)
            copied += piece.count(b"\n")
            report_step(COPYING, copied, parent.accepted)
        corrected.seek(0)
        shutil.copyfileobj(cast("BinaryIO", corrected), out, PIECE_BYTES)
    return came_back


def original_of(parent: ScoreFile) -> Original:
    """What a corrected file of its rejected rows is read by."""
    with buckets.scoring().open(parent.key) as source:
        header = open_lines(source)[0]
    return Original("score file", header.columns, frozenset(header.used))


def _rejected(parent: ScoreFile, lines: list[int]) -> dict[int, tuple[str, str]]:
    """Reason and text of those of the lines that were rejected."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line, reason, raw FROM campaigns_rejectedrow WHERE score_file_id = %s AND line"
            " = ANY(%s)",
            [parent.pk, lines],
        )
        return {line: (reason, raw) for line, reason, raw in cursor.fetchall()}


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
        found = sha256_of(source)[0]
        parent.refresh_from_db(fields=["kept_sha256"])  # an erasure notes it before it writes
        if found not in (parent.sha256, parent.kept_sha256):
            raise UnreadableFile(
                f"Score file {parent.pk} was changed in the bucket. Upload the file again."
            )
        try:
            yield from without(_pieces(unpacked(source)), left_out)
        except UNREADABLE as error:
            raise UnreadableFile(
                f"Score file {parent.pk} cannot be read from the bucket ({error})."
            ) from error


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def without(pieces: Iterable[bytes], left_out: LineNumbers) -> Iterator[bytes]:
    """A file's bytes, piece by piece, without these lines (sorted, the first line is 1). A last
    line without an end gets one.

    No line is ever held whole, so one of a gigabyte is no matter.
    """
    line, ends_well = 1, True
    for piece in pieces:
        data = np.frombuffer(piece, dtype=np.uint8)
        ends = np.flatnonzero(data == LF)
        begin, end = np.searchsorted(left_out, [line, line + len(ends) + 1])
        if end > begin:
            keep = np.ones(len(ends) + 1, dtype=bool)
            keep[left_out[begin:end] - line] = False
            lengths = np.diff(np.concatenate(([0], ends + 1, [len(data)])))
            piece = data[np.repeat(keep, lengths)].tobytes()
        line += len(ends)
        if piece:
            ends_well = piece.endswith(b"\n")
            yield piece
    if not ends_well:
        yield b"\n"
