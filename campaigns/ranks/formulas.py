"""Ranks → scores: what a file of ranks says, and the score file it is translated to. [S-15]"""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.choices import ScoringType
from campaigns.errors import UnreadableFile
from campaigns.formats.score_rows import REQUIRED, Header, Lines
from operations.entry.trimming import trim

RANK = r"^0*[1-9][0-9]{0,14}$"  # fifteen digits: such numbers, and 1 less, are exact in a double
NEEDED = ("global_user_id", "rank")
# How a column may be called → how a score file calls it. Case is not looked at.
SPELLINGS = {
    name: name for name in (*REQUIRED, "phone_confirmed", "rank") if name != "raw_local_fanscore"
}
SPELLINGS |= {
    "email": "tmemail",
    "phone": "sms",
    "globaluserid": "global_user_id",
    "memberid": "member_id",
}
SPELLINGS |= {"country": "country_code", "phoneconfirmed": "phone_confirmed"}
# from the registrant, where the file has no such column
FILLED = ("tmemail", "sms", "member_id", "country_code")


@dataclass(frozen=True)
class Population:
    """The fans that a rank is compared with: each fan's first row, if its rank is valid. `ranks`
    (Int64) is sorted.
    """

    ranks: npt.NDArray[np.int64]

    @property
    def fans(self) -> int:
        return len(self.ranks)

    @property
    def max_rank(self) -> int:
        return int(self.ranks[-1]) if len(self.ranks) else 0


def read_header(first_line: bytes) -> Header:
    """The header of a file of ranks, its columns as score files call them. Raises UnreadableFile.
    [S-15]
    """
    try:
        text = first_line.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise UnreadableFile(
            "The file is not CSV in UTF-8: its first line cannot be read. Save it as CSV in UTF-8."
        ) from None
    if not text.strip():
        raise UnreadableFile(
            "The file is empty or begins with a blank line. The first line must be a"
            " header with the column names."
        )
    try:
        written = next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise UnreadableFile(
            f"The header (line 1) cannot be read as CSV ({error}). Write the column names,"
            " separated by commas."
        ) from None
    if len(written) == 1 and any(separator in text for separator in ";\t|"):
        raise UnreadableFile(
            "The header (line 1) has no commas. Save the file as CSV with commas, in UTF-8."
        )
    written = [trim(name) for name in written]
    if any(not name.isprintable() for name in written):
        raise UnreadableFile(
            "The file is not CSV: its first line contains control characters. Save it as"
            " CSV in UTF-8."
        )
    # " ": not one of ours
    columns = tuple(SPELLINGS.get(name.lower(), f" {name}") for name in written)
    if missing := [name for name in NEEDED if name not in columns]:
        raise UnreadableFile(
            f"The header (line 1) is missing the column{'s' * (len(missing) > 1)}"
            f" {' and '.join(missing)}. Required columns, in any order: global_user_id,"
            " rank. Optional columns: id, email, phone, member_id, country_code,"
            " phone_confirmed."
        )
    used = tuple(name for name in columns if not name.startswith(" "))
    if twice := sorted({name for name in used if used.count(name) > 1}):
        raise UnreadableFile(
            "The header (line 1) has a column twice, maybe in two spellings:"
            f" {', '.join(twice)}. Keep one of each."
        )
    if "sms" not in used:  # what a file without phones says of confirmation is said of no phone
        used = tuple(name for name in used if name != "phone_confirmed")
    return Header(columns, used, tuple(name.strip() for name in columns if name not in used))


def to_be_filled(header: Header) -> tuple[str, ...]:
    """The contact columns that the file lacks."""
    return tuple(name for name in FILLED if name not in header.used)


def columns_of(header: Header) -> tuple[str, ...]:
    """The columns of the score file, in order: those that every score file has, and the rank as it
    was written.
    """
    confirmed = ("phone_confirmed",) if "phone_confirmed" in header.used else ()
    return (*REQUIRED, *confirmed, "rank")


def ranks_of(texts: pl.Series) -> pl.Series:
    """Ranks as written → Int64, null where the text is no integer from 1 of at most fifteen digits.
    [S-15]
    """
    text = pl.col(texts.name)
    valid = pl.when(text.str.contains(RANK)).then(text)
    return texts.to_frame().select(valid.cast(pl.Int64, strict=False).alias("rank")).to_series()


def population(fans: npt.NDArray[np.uint64], ranks: npt.NDArray[np.int64]) -> Population:
    """Whom ranks are compared with. `fans`: a hash of the id of each row that has one, in the
    file's order; `ranks` beside them: 0 where a rank is not valid. [S-15]

    A fan's first row counts, whatever its rank, as it does for duplicates. Two fans share a hash of
    64 bits once in 300,000 files of ten million rows; one of them is then missing here.
    """
    counted = ranks[_is_first(fans) & (ranks > 0)]
    counted.sort()
    return Population(counted)


def _is_first(fans: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Whether each value stands nowhere earlier. Sorting finds the few that stand twice; only they
    are compared in order.
    """
    in_order = np.sort(fans)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    first = np.ones(len(fans), dtype=bool)
    if len(repeated):
        suspects = np.flatnonzero(np.isin(fans, repeated))
        first[suspects] = False
        first[suspects[np.unique(fans[suspects], return_index=True)[1]]] = True
    return first


def scores(ranks: pl.Series, among: Population, formula: str) -> pl.Series:
    """Ranks (Int64 or null) → scores (Float64 or null) by the campaign's formula. [S-15]

    linear: 1 − (rank − 1) / max_rank. percentile: the share of the other fans with a worse rank; 1
    where there is no other fan. Ties share. A row that does not count among the fans (a fan's
    second) may stand outside; it is cut to [0, 1].
    """
    given = ranks.fill_null(1).to_numpy()
    if formula == ScoringType.LINEAR:
        found = 1.0 - (given - 1) / max(among.max_rank, 1)
    elif among.fans <= 1:
        found = np.ones(len(given))
    else:
        found = (among.fans - np.searchsorted(among.ranks, given, side="right")) / (among.fans - 1)
    column = pl.Series("score", np.clip(found, 0.0, 1.0))
    return pl.select(pl.when(ranks.is_not_null()).then(column).alias("score")).to_series()


def score_lines(
    lines: Lines, header: Header, among: Population, formula: str, registrants: pl.DataFrame | None
) -> bytes:
    """Some lines of a file of ranks as lines of a score file (tab-separated, LF), each in its
    place. [S-15]

    `registrants`: `global_user_id` and the columns FILLED, each fan once; None if the file has them
    all. A rank that is not valid leaves the score empty (`invalid_score`); a malformed record
    becomes a line of one column.
    """
    rows = _filled(lines.rows, header, registrants)
    found = scores(ranks_of(rows["rank"]), among, formula)
    # the shortest that reads back
    rows = rows.with_columns(found.cast(pl.String).fill_null("").alias("raw_local_fanscore"))
    written = rows.select("line", pl.concat_str(*columns_of(header), separator="\t").alias("text"))
    if lines.malformed:
        numbers = pl.Series("line", lines.malformed, dtype=pl.Int64)
        as_it_came = lines.raws(numbers).str.replace_all("\t", ",", literal=True)
        written = pl.concat([written, pl.DataFrame([numbers, as_it_came.alias("text")])]).sort(
            "line"
        )
    if written.is_empty():
        return b""
    text: str = written["text"].str.join("\n").item()
    return text.encode() + b"\n"


def _filled(rows: pl.DataFrame, header: Header, registrants: pl.DataFrame | None) -> pl.DataFrame:
    """Contact columns that the file lacks are the registrant's, empty for who did not register;
    `id` is the record's number.
    """
    lacking = to_be_filled(header)
    if registrants is not None:
        wanted = registrants.select("global_user_id", *lacking)
        rows = rows.join(wanted, on="global_user_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(lacking).fill_null(""))
    if "id" not in header.used:
        rows = rows.with_columns((pl.col("line") - 1).cast(pl.String).alias("id"))
    return rows
