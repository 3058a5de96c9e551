"""Loose files of the lake, and the records that a reader finds in it."""

from __future__ import annotations

import pytest

from datalake import catalogue, records, save, schemas
from datalake.layout import Period
from datalake.storage import buckets
from tests.support.avro_files import written
from tests.support.lake import NOON, publish_scores, read_with_polars, registration

DAY = Period(2026, 1, 20)


class Killed(BaseException):
    """Stands for the death of the process: nothing may catch it."""


def die(*args, **kwargs):
    raise Killed


def save_loose(*sizes, created=NOON, first=0):
    """One loose file of so many scores for each size."""
    for size in sizes:
        publish_scores(size, first=first, key=f"{created}:{first}", created=created)
        save.save("scored")
        first += size
    return first


def readable_ids(period=DAY, record_type="scoring"):
    files = catalogue.readable_files(record_type, period)
    return sorted(row for file in files for row in read_with_polars(file.key)["globalUserId"])


def ids(count):
    return sorted(f"fan-{number}" for number in range(count))


def second_version(monkeypatch: pytest.MonkeyPatch, record_type: str = "registration") -> None:
    """From now on the type has a version 2 in force, with the field `source`."""
    older = schemas.SCHEMAS[record_type]
    new = {"name": "source", "type": ["null", "string"], "default": None}
    fields = [*older.avro["fields"], new]
    newer = schemas.read_schema(record_type, 2, {**older.avro, "fields": fields})
    monkeypatch.setitem(schemas._named, newer.name, newer)
    monkeypatch.setitem(schemas._newest, record_type, older)
    schemas.add(newer)


def put_foreign(name, rows, *, folder="avro/registration/2026/01/20", codec="deflate", schema=None):
    fields = dict(schema or records.schema_of("registration").avro)
    put_bytes(name, written(fields, rows, codec=codec), folder=folder)


def put_bytes(name, content, *, folder="avro/registration/2026/01/20"):
    buckets.campaign_data().put(f"{folder}/{name}.avro", content)


def valid(number, **changes):
    return records.normalise(registration(number)) | changes
