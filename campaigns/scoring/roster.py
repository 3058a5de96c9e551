"""The roster of a score file: who was in the draw with which score, as one public digest. Pure.
[S-10]

SHA-256 over the lines `fan_ref TAB raw score as written LF` of all accepted rows, sorted. The lines
come in parts, each in order and with an index of the 256 beginnings a reference can have; so all
parts are put in order one beginning at a time, and memory stays flat.
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


def part(refs: pl.Series, raw_texts: pl.Series) -> bytes:
    """The lines of some accepted rows: where those of each beginning start, then the lines
    themselves, in order.
    """
    place = refs.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)
    rows = pl.DataFrame({"place": place, "ref": refs, "raw": raw_texts}).sort("place")
    lines = rows.select(pl.concat_str("ref", pl.lit("\t"), "raw", pl.lit("\n"))).to_series()
    ends = np.concatenate(([0], np.cumsum(lines.str.len_bytes().to_numpy(), dtype=INDEX)))
    firsts = np.searchsorted(rows["place"].to_numpy() >> np.uint64(56), np.arange(BEGINNINGS + 1))
    return ends[firsts].astype(INDEX).tobytes() + (lines.str.join("").item() or "").encode()


class Roster(NamedTuple):
    """Hex SHA-256 of the whole roster, and how many rows it lists."""

    digest: str
    rows: int


def whole(parts: Sequence[BinaryIO]) -> Roster:
    """The roster, from files that hold a `part` each; the same however its rows are divided.
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
        sha256.update(b"\n".join([*lines, b""]))
    return Roster(sha256.hexdigest(), rows)
