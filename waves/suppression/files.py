"""Files of contacts that are to get no messages: each row with one outcome, taken in batches, so
that millions need no more memory than a batch. [N-8]

Taken again, a file adds nothing; so one that was stopped halfway is just given again.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, cast

import polars as pl

from campaigns.errors import UnreadableFile
from campaigns.formats import limits
from campaigns.formats.csv_lines import TabSeparated
from campaigns.formats.headers import first_line_of
from campaigns.formats.score_rows import Header, Lines, read_chunks
from datalake.storage.unpacking import UNREADABLE, unpacked
from operations.entry.trimming import trim
from waves.choices import Channel, ContactProblem
from waves.suppression.contacts import Contact, read_contacts
from waves.suppression.suppressed import Ground, suppress

COLUMNS: Final = ("contact", "email", "phone")
BATCH_BYTES: Final = 512 * 1024
MOST_PAGE_BYTES: Final = 4 << 20  # about 150,000 contacts, which take a few seconds
MOST_NAMED: Final = 100  # of the rejected rows
HINT: Final = (
    "CSV or TSV in UTF-8 with a header line. Can be compressed (.gz). Columns: email, phone or"
    " contact (either), one or several of them. Phone numbers begin with + and the country code,"
    " unless a campaign is chosen: then its first home country is assumed."
)


@dataclass
class FileResult:
    """`rows_in = accepted + rejected`; of the contacts in accepted rows, `added` were not on the
    list yet. `problems`: the first rejected rows by line.
    """

    rows_in: int = 0
    contacts: int = 0
    added: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)
    ignored_columns: Sequence[str] = ()

    def as_result(self) -> dict[str, Any]:
        """The result object of `suppress`."""
        rejected = {each.value: self.rejected[each] for each in ContactProblem}
        return {
            "rows_in": self.rows_in,
            "accepted": self.rows_in - self.rejected.total(),
            "rejected": {reason: count for reason, count in rejected.items() if count},
            "suppressed": self.added,
            "suppressed_before": self.contacts - self.added,
            "ignored_columns": list(self.ignored_columns),
        }


def suppress_file(
    file: BinaryIO, ground: Ground, *, taken: Callable[[FileResult], object] = lambda result: None
) -> FileResult:
    """Suppress every contact of a file (seekable); `taken` is called after each batch. Raises
    UnreadableFile: for a header, nothing is written then; for a packed file that breaks off, what
    was read is.
    """
    home = ground.campaign.home_countries[0] if ground.campaign else ""
    text = unpacked(file)
    try:
        header, has_commas = _header_of(text)
        result = FileResult(ignored_columns=header.ignored)
        for lines in read_chunks(_tabbed(text) if has_commas else text, header, BATCH_BYTES):
            _take(lines, header, home, ground, result)
            taken(result)
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file cannot be unpacked ({error}). Compress it again."
        ) from error
    return result


def require_small(file: BinaryIO) -> None:
    """Raises UnreadableFile for what is too large for a page to wait for, packed or unpacked."""
    limits.require_bounded(file, most_bytes=MOST_PAGE_BYTES)


def _tabbed(text: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", TabSeparated(text))


def _header_of(file: BinaryIO) -> tuple[Header, bool]:
    """The header, and whether commas separate. Raises UnreadableFile."""
    text = first_line_of(file).removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    delimiter = "\t" if "\t" in text else ","
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a carriage return inside the line
        cells = ["\ufffd"]
    names = tuple(trim(name).lower() for name in cells)
    if any("\ufffd" in name or not name.isprintable() for name in names):
        raise UnreadableFile("The file is not CSV in UTF-8: its first line cannot be read.")
    used = tuple(name for name in names if name in COLUMNS)
    if not used or len(set(used)) < len(used):
        wrong = "has a column twice" if used else "names none of the columns"
        raise UnreadableFile(f"The header (line 1) {wrong}: {', '.join(COLUMNS)}.")
    return Header(names, used, tuple(name for name in names if name not in used)), delimiter == ","


def _take(lines: Lines, header: Header, home: str, ground: Ground, result: FileResult) -> None:
    judged = _judged(lines, header, home)
    bad = judged.filter(pl.col("problem").is_not_null())
    contacts = {
        Contact(Channel(channel), contact)
        for channel, contact in judged.filter(pl.col("problem").is_null())
        .explode("contacts")
        .unnest("contacts")
        .select("channel", "contact")
        .iter_rows()
    }
    result.rows_in += lines.count
    result.contacts += len(contacts)
    result.added += suppress(contacts, ground)
    result.rejected.update(bad["problem"].to_list())
    room = MOST_NAMED - len(result.problems)
    result.problems += bad.select("line", "problem").head(room).rows()


def _judged(lines: Lines, header: Header, home: str) -> pl.DataFrame:
    """Of each line `line`, `contacts` (structs of channel and contact) and the first `problem`."""
    cells = pl.concat(list(_cells(lines.rows, header, home)), how="vertical")
    rows = cells.group_by("line").agg(
        pl.struct("channel", "contact").alias("contacts"),
        pl.col("problem").drop_nulls().first(),
        pl.len().alias("found"),
    )
    judged = (
        lines.rows.select("line")
        .join(rows, on="line", how="left")
        .with_columns(
            pl.when(pl.col("found").is_null())
            .then(pl.lit(ContactProblem.NO_CONTACT.value))
            .otherwise("problem")
            .alias("problem")
        )
    )
    malformed = pl.DataFrame({"line": lines.malformed}, schema={"line": pl.Int64}).with_columns(
        pl.lit(ContactProblem.MALFORMED_ROW.value).alias("problem")
    )
    return pl.concat([judged.drop("found"), malformed], how="diagonal").sort("line")


def _cells(rows: pl.DataFrame, header: Header, home: str) -> Iterator[pl.DataFrame]:
    """Of each cell that is not empty: `line`, `channel`, `contact`, `problem`."""
    for name in header.used:
        filled = rows.filter(pl.col(name) != "")
        yield filled.select("line").hstack(read_contacts(filled[name], country=home))
