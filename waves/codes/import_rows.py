"""Files of codes that somebody else made: their header, and what becomes of each row. Pure. [K-1,
K-3]
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

import polars as pl

from campaigns.errors import UnreadableFile
from campaigns.formats.csv_lines import TabSeparated
from campaigns.formats.headers import first_line_of
from campaigns.formats.score_rows import Header, Lines, read_chunks
from datalake.storage.unpacking import unpacked
from operations.entry.trimming import trim
from waves.choices import CodeReason
from waves.codes.partner_answers import LONGEST_CODE, PLACEHOLDER

CODE: Final = "code"
MARKET: Final = "marketId"
USED: Final = {CODE.lower(): CODE, MARKET.lower(): MARKET}
# Visible ASCII: what phones, e-mails and ticket shops show and take alike, and what Python and
# PostgreSQL write in capitals alike [K-1]. Without quote and backslash: a line of one column that
# cannot be read as CSV would look like a code with one.
VISIBLE: Final = r"^[!#-\[\]-~]+$"
FORMULA: Final = "^[=+@-]"
# A batch is one transaction that holds the campaign's lock: small enough that no wave waits for it.
BATCH_BYTES: Final = 256 * 1024
HINT: Final = (
    "CSV or TSV in UTF-8 with a header line. Can be compressed (.gz). Required column: code."
    " Optional column: marketId, for codes that may be given in one market only."
)


@dataclass(frozen=True)
class CodeColumns:
    """The header of a code file: all names as it spells them, and whether commas are between."""

    names: tuple[str, ...]
    has_commas: bool

    @property
    def own_names(self) -> tuple[str, ...]:
        return tuple(USED.get(name.lower(), name) for name in self.names)

    @property
    def used(self) -> tuple[str, ...]:
        return tuple(name for name in self.own_names if name in USED.values())

    @property
    def ignored(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name.lower() not in USED)


def read_columns(file: BinaryIO) -> CodeColumns:
    """Of a file at its start, which is then behind its first line. Raises UnreadableFile."""
    text = first_line_of(file).removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    if not text.strip():
        raise UnreadableFile("The file is empty. The first line must be a header: code.")
    delimiter = "\t" if "\t" in text else ","
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a carriage return inside the line
        cells = ["\ufffd"]
    found = CodeColumns(tuple(trim(name) for name in cells), delimiter == ",")
    if any("\ufffd" in name or not name.isprintable() for name in found.names):
        raise UnreadableFile("The file is not CSV in UTF-8: its first line cannot be read.")
    if CODE not in found.own_names:
        raise UnreadableFile(
            "The header (line 1) is missing the column code. The first line must name the columns:"
            " code, or code,marketId."
        )
    if twice := sorted({name for name in found.used if found.used.count(name) > 1}):
        raise UnreadableFile(
            f"The header (line 1) has a column twice: {', '.join(twice)}. Keep one of each."
        )
    return found


def batches(file: BinaryIO) -> Iterator[Lines]:
    """The lines behind the header of a file that may be packed, in batches: the same bytes give the
    same. Raises UnreadableFile.
    """
    text = unpacked(file)
    columns = read_columns(text)
    header = Header(columns.own_names, columns.used, columns.ignored)
    lines = cast("BinaryIO", TabSeparated(text)) if columns.has_commas else text
    yield from read_chunks(lines, header, BATCH_BYTES)


def last_line(lines: Lines) -> int:
    return lines.first_line + lines.count - 1


def judge(lines: Lines, markets: Mapping[str, int], *, market: int | None) -> pl.DataFrame:
    """Each line with its outcome so far: `line`, `code`, `only_market` (the market's key, or null
    for every market), `reason` (null: the database's constraint judges it next). [K-1]

    `markets`: a campaign's market ids and their keys; `market`: the key for rows that name none.
    """
    keys = {name: str(key) for name, key in markets.items()}
    rows = lines.rows
    if MARKET not in rows.columns:
        rows = rows.with_columns(pl.lit("").alias(MARKET))
    code, named = pl.col(CODE), pl.col(MARKET)
    found = named.replace_strict(keys, default=None, return_dtype=pl.String).cast(pl.Int64)
    judged = rows.select(
        "line",
        CODE,
        pl.when(named == "")
        .then(pl.lit(market, dtype=pl.Int64))
        .otherwise(found)
        .alias("only_market"),
        pl.coalesce(
            _reason(CodeReason.EMPTY, code == ""),
            _reason(CodeReason.BAD_CHARACTERS, ~code.str.contains(VISIBLE)),
            _reason(CodeReason.TOO_LONG, code.str.len_bytes() > LONGEST_CODE),
            _reason(CodeReason.PLACEHOLDER, code.str.to_uppercase() == PLACEHOLDER),
            _reason(CodeReason.FORMULA, code.str.contains(FORMULA)),
            _reason(CodeReason.UNKNOWN_MARKET, (named != "") & found.is_null()),
        ).alias("reason"),
    )
    malformed = pl.DataFrame({"line": lines.malformed}, schema={"line": pl.Int64}).with_columns(
        pl.lit(CodeReason.MALFORMED_ROW.value).alias("reason")
    )
    return pl.concat([judged, malformed], how="diagonal").sort("line")


def _reason(reason: CodeReason, applies: pl.Expr) -> pl.Expr:
    return pl.when(applies).then(pl.lit(reason.value))
