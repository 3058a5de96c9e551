"""Rejected lines of a fan."""

from __future__ import annotations

import polars as pl

from campaigns.models import RegistrationImport, RejectedRegistration, RejectedRow
from campaigns.scoring import tables

RAW = "7\tFan7@mail.example\t(206) 555-0007\tfan-7\tmember-7\t0.1\tUS"


def reject(campaign, raw: str, fan: str = "", reason: str = "unknown_market"):
    import_ = RegistrationImport.objects.get_or_create(
        campaign=campaign, sha256="1" * 64, defaults={"name": "reg.csv", "finished": True}
    )[0]
    RejectedRegistration.objects.create(
        registration_import=import_, line=3, global_user_id=fan, reason=reason, raw=raw
    )


def rejected_row(campaign, raw: str = RAW) -> RejectedRow:
    """Line 9 of the campaign's score file, which names fan-7."""
    row = {"line": 9, "global_user_id": "fan-7", "reason": "below_minimum_score", "raw": raw}
    file = campaign.active_score_file_id
    tables.fill_rejected(file, pl.DataFrame([{"score_file_id": file} | row]))
    tables.index(file, tables.REJECTED)
    tables.attach(file, tables.REJECTED)
    return RejectedRow.objects.get(score_file=file)
