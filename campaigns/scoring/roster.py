"""The roster of a score file: who was in the draw, with which score and preferences, as one file
with a public digest. Pure. [S-10]

Its lines are `fan_ref TAB raw score as written TAB preferences joined by | LF` of all accepted
rows, sorted; its digest is the file's SHA-256. They come in parts, each in order and with an index
of the 256 beginnings a reference can have; so all parts are put in order one beginning at a time,
and memory stays flat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import polars as pl

BEGINNINGS = 256  # the first two hex digits of a reference
INDEX = np.dtype("<u8")
INDEX_BYTES = (BEGINNINGS + 1) * INDEX.itemsize


def part(accepted: pl.DataFrame) -> bytes:
    """The lines of some accepted rows (`fan_ref`, `raw_text`, `preferences`; null: none): where
    those of each beginning start, then the lines themselves, in order.
    """
    place = pl.col("fan_ref").str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)
    columns = ("fan_ref", "raw_text", pl.col("preferences").fill_null(""))
    rows = accepted.select(
        place.alias("place"),
        pl.concat_str(pl.concat_str(*columns, separator="\t"), pl.lit("\n")).alias("line"),
    ).sort("place")
    lines = rows["line"]
    ends = np.concatenate(([0], np.cumsum(lines.str.len_bytes().to_numpy(), dtype=INDEX)))
    firsts = np.searchsorted(rows["place"].to_numpy() >> np.uint64(56), np.arange(BEGINNINGS + 1))
    return ends[firsts].astype(INDEX).tobytes() + (lines.str.join("").item() or "").encode()


class Roster(NamedTuple):
    """Hex SHA-256 of the whole roster, and how many rows it lists."""

    digest: str
    rows: int


def write(parts: Sequence[BinaryIO], out: BinaryIO) -> Roster:
    """Write the roster, from files that hold a `part` each; the same however its rows are divided.
    [S-10]
    """
    sha256, rows = hashlib.sha256(), 0
    indexes = [np.frombuffer(each.read(INDEX_BYTES), dtype=INDEX).tolist() for each in parts]
    for number in range(BEGINNINGS):
        texts = [
            each.read(index[number + 1] - index[number])
            for each, index in zip(parts, indexes, strict=True)
        ]
        lines = b"".join(texts).split(b"\n")[:-1]
        lines.sort()  # runs that are sorted already: 0.1 µs a line
        rows += len(lines)
        text = b"\n".join([*lines, b""])
        sha256.update(text)
        out.write(text)
    return Roster(sha256.hexdigest(), rows)
