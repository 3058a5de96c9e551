from __future__ import annotations

import io

import pytest

from datalake import records, schemas
from datalake.avro import columns, container, upgrading
from datalake.avro.columns import MODULUS
from datalake.errors import NotAvro
from datalake.layout import Period
from datalake.schemas import read_schema
from tests.datalake.lake_cases import second_version
from tests.support.lake import registration


def written(*numbers):
    """A file of version 1, of two days."""
    clean = [
        records.normalise(registration(n, date={"created": f"2026-01-2{n % 2}T10:00:00.000Z"}))
        for n in numbers
    ]
    encoded = columns.encode("registration", records.frame_of("registration", clean))
    out = io.BytesIO()
    container.write(out, records.schema_of("registration"), encoded, name="old")
    return out.getvalue(), clean, encoded


def test_l3_a_file_of_version_1_becomes_one_of_version_2_with_nothing_in_the_new_field(
    monkeypatch,
):
    content, clean, before = written(*range(5))
    second_version(monkeypatch)
    monkeypatch.setattr(upgrading, "SLICE_RECORDS", 2)
    newer, out = records.schema_of("registration"), io.BytesIO()
    changes = upgrading.upgrade(io.BytesIO(content), out, newer, name="old")
    out.seek(0)
    found = list(container.split(out))
    assert [record for record, _ in found] == [each | {"source": None} for each in clean]
    out.seek(0)
    assert container.read_header(out).schema_name == "registration.v2"
    for day, numbers in {Period(2026, 1, 20): (0, 2, 4), Period(2026, 1, 21): (1, 3)}.items():
        old = columns.content_hash([before[n] for n in numbers])
        new = columns.content_hash([found[n][1] for n in numbers])
        assert (old + changes[day]) % MODULUS == new


def test_l3_what_cannot_be_read_is_named(monkeypatch):
    content, _, _ = written(1, 2)
    second_version(monkeypatch)
    newer = records.schema_of("registration")
    with pytest.raises(NotAvro, match="the old one"):
        upgrading.upgrade(io.BytesIO(content[:-20]), io.BytesIO(), newer, name="the old one")


@pytest.mark.parametrize(
    ("version", "change"),
    [
        (3, lambda fields: fields),
        (2, lambda fields: fields[:-1]),
        (2, lambda fields: [*fields, {"name": "source", "type": "string", "default": None}]),
        (2, lambda fields: [*fields, {"name": "source", "type": ["null", "string"]}]),
        (2, lambda fields: [*fields[:-1], {"name": "dedupeHash", "type": ["null", "string"]}]),
    ],
)
def test_l1_a_version_follows_the_one_before_it_or_is_not_loaded(version, change):
    older = schemas.SCHEMAS["registration"]
    fields = change(list(older.avro["fields"]))
    newer = read_schema("registration", version, {**older.avro, "fields": fields})
    with pytest.raises(ValueError, match=r"does not follow registration\.v1"):
        schemas.add(newer)
    assert schemas.SCHEMAS["registration"] is older


def test_l1_every_version_of_a_schema_is_known_by_its_name():
    assert {"registration.v1", "scoring.v1", "codeAssignment.v1"} <= set(schemas.VERSIONS)
