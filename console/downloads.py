"""Files for people: cells that a spreadsheet would run are made harmless. Machine files stay
verbatim in the bucket. [O-7]
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from django.utils.http import content_disposition_header

from operations.adminkit.spreadsheets import neutralised

ROWS_AT_ONCE = 500


def attachment(name: str) -> dict[str, str]:
    """The header that names a download, whatever is in the name."""
    plain = "".join(letter if letter.isprintable() else "_" for letter in name.rpartition("/")[2])
    return {"Content-Disposition": content_disposition_header(True, plain) or "attachment"}


def csv_lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """CSV text in pieces, every cell neutralised."""
    out = io.StringIO()
    writer = csv.writer(out)
    for number, row in enumerate(rows, start=1):
        writer.writerow([neutralised(cell) for cell in row])
        if number % ROWS_AT_ONCE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def neutralised_file(file: BinaryIO, *, delimiter: str = ",") -> Iterator[str]:
    """A CSV file of the bucket, for a person; closes it."""
    with io.TextIOWrapper(file, "utf-8", errors="replace", newline="") as text:
        yield from csv_lines(csv.reader(text, delimiter=delimiter))


def neutralised_zip(file: BinaryIO) -> BinaryIO:
    """A ZIP of CSV files, each neutralised, in a temporary file; closes the one given."""
    made = tempfile.TemporaryFile()  # noqa: SIM115 the response closes it
    with (
        file,
        zipfile.ZipFile(file) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for info in source.infolist():
            with source.open(info) as member, target.open(info.filename, "w") as written:
                reader = csv.reader(io.TextIOWrapper(member, "utf-8", newline=""))
                for piece in csv_lines(reader):
                    written.write(piece.encode())
    made.seek(0)
    return made
