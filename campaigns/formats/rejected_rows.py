"""The file of rejected rows: the columns of their file as they were, and `line,reason`.
[C-4, S-11]
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import polars as pl


def write(out: BinaryIO, columns: Sequence[str], rejected: Iterable[pl.DataFrame]) -> int:
    """Write frames with `line`, `reason` and `raw` (tab-separated) as CSV. Returns how many rows
    these are.
    """
    out.write(_header([*columns, "line", "reason"]))
    written = 0
    for rows in rejected:
        fields = fields_of(rows["raw"], len(columns))
        lines = fields.with_columns(rows["line"], rows["reason"])
        out.write(lines.write_csv(include_header=False).encode())
        written += rows.height
    return written


def fields_of(raw: pl.Series, columns: int) -> pl.DataFrame:
    """Rejected lines cut into their columns, by number: missing ones are empty, and what is too
    much stays in the last.
    """
    cut = (
        raw.alias("raw")
        .to_frame()
        .select(pl.col("raw").str.splitn("\t", columns).alias("fields"))
        .unnest("fields")
    )
    return cut.select(pl.all().fill_null("")).rename(lambda name: name.removeprefix("field_"))


def _header(names: list[str]) -> bytes:
    """A line of CSV; a column that nobody uses may have the name of another, which no frame could
    have.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()
