"""A file of ranks is read twice: for the fans that ranks are compared with, then for the score file
it becomes. [S-15]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
from psycopg import sql

from campaigns.errors import UnreadableFile
from campaigns.formats.csv_lines import TabSeparated
from campaigns.formats.headers import first_line_of
from campaigns.formats.score_bytes import sha256_of
from campaigns.formats.score_rows import Header, Lines, read_chunks
from campaigns.models import Campaign
from campaigns.ranks import formulas
from campaigns.ranks.formulas import Population
from campaigns.scoring.registrants import registrants_of
from datalake.storage.unpacking import UNREADABLE, unpacked

ReportProgress = Callable[[int, int], object]  # records done, records to do
CONTACTS = {  # a score file's column → a registrant's
    "tmemail": sql.SQL("email"),
    "sms": sql.SQL("phone"),
    "member_id": sql.SQL("member_id"),
    "country_code": sql.SQL("country"),
}
BREAKS_OFF = "The file is incomplete or damaged ({}). Upload it again."


@dataclass(frozen=True)
class Found:
    """What the first reading found."""

    header: Header
    population: Population
    records: int
    malformed: int
    invalid_ranks: int

    @property
    def counts(self) -> dict[str, int]:
        """For the manifest: `records` in the file, those that are malformed, those whose rank is
        not valid, and the `fans` that ranks are compared with, down to `max_rank`.
        """
        read = {
            "records": self.records,
            "malformed": self.malformed,
            "invalid_ranks": self.invalid_ranks,
        }
        return read | {"fans": self.population.fans, "max_rank": self.population.max_rank}


def open_records(file: BinaryIO) -> tuple[Header, BinaryIO]:
    """The header, and the file standing behind it. Raises UnreadableFile. [S-15]"""
    text = unpacked(file)
    try:
        first_line = first_line_of(text)
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is compressed but cannot be unpacked ({error}). Compress it again."
        ) from error
    return formulas.read_header(first_line), text


def first_look(file: BinaryIO) -> Header:
    """The header of a file that has at least one record behind it. Raises UnreadableFile."""
    header, text = open_records(file)
    try:
        has_records = bool(text.read(1))
    except UNREADABLE as error:
        raise UnreadableFile(BREAKS_OFF.format(error)) from error
    if not has_records:
        raise UnreadableFile("The file has a header but no rows.")
    return header


def survey(file: BinaryIO, sha256: str, report_progress: ReportProgress) -> Found:
    """The first reading; 16 bytes are held for each record.

    Raises UnreadableFile, also if the bytes are not those that came.
    """
    file.seek(0)
    digest, size = sha256_of(file)
    if digest != sha256:
        raise UnreadableFile(
            "The file in the bucket is not the file that was uploaded: its checksum is"
            " different. Upload it again."
        )
    header = first_look(file)
    fans, given, records, malformed, invalid = [], [], 0, 0, 0
    for lines in _chunks(file, header, ("global_user_id", "rank")):
        valid = formulas.ranks_of(lines.rows["rank"])
        has_id = lines.rows["global_user_id"] != ""
        fans.append(lines.rows["global_user_id"].filter(has_id).hash().to_numpy())
        given.append(valid.fill_null(0).filter(has_id).to_numpy())
        records, malformed, invalid = (
            records + lines.count,
            malformed + len(lines.malformed),
            invalid + valid.null_count(),
        )
        report_progress(records, 2 * records * size // max(file.tell(), 1))
    return Found(
        header,
        formulas.population(np.concatenate(fans), np.concatenate(given)),
        records,
        malformed,
        invalid,
    )


def translate(
    file: BinaryIO,
    out: BinaryIO,
    found: Found,
    campaign: Campaign,
    formula: str,
    report_progress: ReportProgress,
) -> None:
    """The second reading: write the score file. Raises UnreadableFile."""
    header, done = found.header, found.records
    out.write("\t".join(formulas.columns_of(header)).encode() + b"\n")
    lacking = formulas.to_be_filled(header)
    for lines in _chunks(file, header, header.used):
        registrants = (
            registrants_of(campaign, lines.rows["global_user_id"], CONTACTS) if lacking else None
        )
        out.write(formulas.score_lines(lines, header, found.population, formula, registrants))
        done += lines.count
        report_progress(done, 2 * found.records)


def _chunks(file: BinaryIO, header: Header, used: tuple[str, ...]) -> Iterator[Lines]:
    _, text = open_records(file)
    records = cast("BinaryIO", TabSeparated(text))
    try:
        yield from read_chunks(records, Header(header.columns, used, ()))
    except UNREADABLE as error:
        raise UnreadableFile(BREAKS_OFF.format(error)) from error
