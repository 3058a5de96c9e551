"""Rows of the catalogue, without any files."""

from __future__ import annotations

from datetime import date

from datalake.models import LakeFile, LakePartition, Merge


def a_file(period: str = "2026-01-20", state: str = "loose", **values: object) -> LakeFile:
    number = LakeFile.objects.count() + 1
    about = {
        "key": f"avro/{period}/{number}.avro",
        "record_type": "scoring",
        "schema": "scoring.v1",
        "records": 10,
        "bytes": 2_000,
        "content_hash": "0" * 64,
        "generation": number if state == "merged" else 0,
    }
    return LakeFile.objects.create(**about | {"period": period, "state": state} | values)


def a_day(day: str = "2026-01-20", records: int = 10, record_type: str = "scoring") -> None:
    LakePartition.objects.create(
        record_type=record_type, day=date.fromisoformat(day), records=records
    )


def a_merge(period: str = "2026-01-20", state: str = "merged", **values: object) -> Merge:
    about = {"record_type": "scoring", "generation": Merge.objects.count() + 1}
    return Merge.objects.create(**about | {"period": period, "state": state} | values)
