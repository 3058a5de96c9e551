"""Rejected lines of a fan."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import polars as pl

from campaigns.contacts.search_forms import COLUMNS, search_forms
from campaigns.models import RegistrationImport, RejectedRegistration, RejectedRow
from campaigns.scoring import tables
from operations.entry.trimming import trim

RAW = "7\tFan7@mail.example\t(206) 555-0007\tfan-7\tmember-7\t0.1\tUS"


def reject(campaign, raw: str, fan: str = "", reason: str = "unknown_market"):
    import_ = RegistrationImport.objects.get_or_create(
        campaign=campaign, sha256="1" * 64, defaults={"name": "reg.csv", "finished": True}
    )[0]
    cells = next(csv.reader([raw]), [])  # id, member id, e-mail, phone, market
    found_by = _found_by([cells[2], cells[3], cells[1]] if len(cells) == 5 else [])
    RejectedRegistration.objects.create(
        registration_import=import_,
        line=3,
        global_user_id=fan,
        reason=reason,
        raw=raw,
        **found_by,
    )


def rejected_row(campaign, raw: str = RAW) -> RejectedRow:
    """Line 9 of the campaign's score file, which names fan-7."""
    row = {"line": 9, "global_user_id": "fan-7", "reason": "below_minimum_score", "raw": raw}
    cells, file = raw.split("\t"), campaign.active_score_file_id
    row |= _found_by([cells[1], cells[2], cells[4]] if len(cells) == 7 else [])
    types = dict.fromkeys(COLUMNS, pl.String)
    frame = pl.DataFrame([{"score_file_id": file} | row], schema_overrides=types)
    tables.fill_rejected(file, frame)
    tables.index(file, tables.REJECTED)
    tables.attach(file, tables.REJECTED)
    return RejectedRow.objects.get(score_file=file)


def _found_by(cells: Sequence[str]) -> dict[str, str | None]:
    """Nothing of a line that could not be read."""
    if not cells:
        return dict.fromkeys(COLUMNS)
    read = pl.DataFrame([list(map(trim, cells))], schema=COLUMNS, orient="row")
    return read.select(search_forms(*COLUMNS)).row(0, named=True)
