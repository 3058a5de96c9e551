"""The roster of a score file: who was in the draw with which score, as one public digest. Pure. [S-10]

SHA-256 over the lines `fan_ref TAB raw score as written LF` of all accepted rows, sorted. Rows come in parts, each part
sorted, and are put in order a slice of references at a time, so memory stays flat.
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl

SCHEMA = {"place": pl.UInt64, "line": pl.String}
LINES_AT_A_TIME = 250_000
ALL_PLACES = 1 << 64
HEX_DIGITS_OF_A_PLACE = 16


def part(refs: pl.Series, raw_texts: pl.Series) -> pl.DataFrame:
    """Lines of some accepted rows in order: `place` (UInt64, the first 64 bits of the fan's reference), `line` (String)."""
    place = refs.str.slice(0, HEX_DIGITS_OF_A_PLACE).str.to_integer(base=16, dtype=pl.UInt64)
    frame = pl.DataFrame({"place": place, "ref": refs, "raw": raw_texts}).sort("place")
    return frame.select("place", pl.concat_str("ref", pl.lit("\t"), "raw", pl.lit("\n")).alias("line"))


def digest(parts: Sequence[pl.DataFrame]) -> str:
    """Hex SHA-256 of the whole roster; the same however its rows are divided into parts. [S-10]"""
    sha256 = hashlib.sha256()
    slices = sum(each.height for each in parts) // LINES_AT_A_TIME + 1
    bounds = np.array([ALL_PLACES * number // slices for number in range(1, slices)], dtype=np.uint64)
    cuts = [[0, *np.searchsorted(each["place"].to_numpy(), bounds).tolist(), each.height] for each in parts]
    for start, end in pairwise(range(slices + 1)):
        lines = [each["place", "line"][cut[start] : cut[end]] for each, cut in zip(parts, cuts, strict=True)]
        sha256.update(_in_order(pl.concat(lines)).encode() if lines else b"")
    return sha256.hexdigest()


def _in_order(lines: pl.DataFrame) -> str:
    ordered = lines.sort("place")
    if (ordered["place"] == ordered["place"].shift(1)).any():  # a few fans share 64 bits of their references
        ordered = lines.sort("line")
    return str(ordered["line"].str.join("").item())
