"""Score files with rejected rows, and what people send back corrected."""

from __future__ import annotations

import csv
import io

import pytest

from campaigns.models import ScoreFile
from campaigns.scoring import score_files
from campaigns.supplements import supplements
from datalake.storage import buckets
from tests.support.campaigns import in_memory
from tests.support.people import why_late
from tests.support.score_files import read

Row = dict[str, str]


CORRECTIONS = {
    "missing_user_id": {"global_user_id": "found-again"},
    "invalid_score": {"raw_local_fanscore": "0.4"},
    "no_contact": {"tmemail": "corrected@mail.example"},
    "below_minimum_score": {"raw_local_fanscore": "0.97"},
}


def rejected_rows(parent: ScoreFile) -> list[Row]:
    """The rejected rows as their CSV has them."""
    return list(csv.DictReader(io.StringIO(read(parent.rejected_key).decode(), newline="")))


def as_csv(rows: list[Row], *, bom: bool = False, newline: str = "\r\n") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def make(parent: ScoreFile, content: bytes, **options: bool) -> supplements.Supplement:
    return supplements.make(parent, in_memory(content), **why_late(parent.campaign), **options)


def supplemented(parent: ScoreFile, content: bytes) -> ScoreFile:
    """A supplement all the way."""
    made = make(parent, content).received.score_file
    return score_files.process(score_files.open_job(made, by=None).pk)


def corrected(rows: list[Row]) -> list[Row]:
    return [
        row | CORRECTIONS.get(row["reason"], {}) | {"member_id": f"line {row['line']}"}
        for row in rows
    ]


def refused(parent: ScoreFile, content: bytes, error: type[Exception], says: str) -> None:
    files, attempts = list(buckets.scoring().list("")), ScoreFile.objects.count()
    with pytest.raises(error, match=says):
        make(parent, content)
    assert list(buckets.scoring().list("")) == files
    assert ScoreFile.objects.count() == attempts
