from __future__ import annotations

import io

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake.avro import container
from demand import schemas
from fairwave import env
from tests.demand.changes import CHANGES, TYPES, archived, raw

EXAMPLES = 2_000 if env.switch("FAIRWAVE_FULL", False) else 50
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=90) | st.integers(0, 9_000).map(
    "ä".__mul__
)


def values_of(shape):
    """What the field of an Avro schema can hold."""
    match shape:
        case "string":
            return texts
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case list():
            return st.one_of([values_of(each) for each in shape])
    return st.fixed_dictionaries(
        {field["name"]: values_of(field["type"]) for field in shape["fields"]}
    )


def fastavros(record_type, record):
    out = io.BytesIO()
    fastavro.schemaless_writer(
        out, fastavro.parse_schema(dict(schemas.schema_of(record_type).avro)), record
    )
    return out.getvalue()


@pytest.mark.parametrize("record_type", TYPES)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_the_encoding_of_a_record_is_byte_for_byte_fastavros(record_type, data):
    record = data.draw(values_of(schemas.schema_of(record_type).avro))
    assert schemas.encode(record_type, record) == fastavros(record_type, record)


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_br003_the_archived_bytes_are_the_record_under_its_schema(record_type, name):
    found = archived(raw(record_type, name))
    schema = fastavro.parse_schema(dict(schemas.schema_of(record_type).avro))
    assert fastavro.schemaless_reader(io.BytesIO(found.encoded), schema, None) == found.record
    assert schemas.encode(record_type, found.record) == found.encoded


@pytest.mark.parametrize("record_type", TYPES)
def test_a_container_file_of_encoded_records_is_read_back_as_the_records(record_type):
    found = [archived(raw(record_type, name)) for name in ("INSERT", "REMOVE")]
    out = io.BytesIO()
    schema = schemas.schema_of(record_type)
    container.write(out, schema, [each.encoded for each in found], name="a")
    out.seek(0)
    assert container.read_header(out).schema_name == schema.name == f"{record_type}.v1"
    out.seek(0)
    assert list(container.read_records(out)) == [each.record for each in found]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("fanId", None, "fanId: is NoneType, not str"),
        ("fanId", 5, "fanId: is int, not str"),
        ("email", b"canary", "email: is bytes, not str"),
        ("email", "canary \ud800", "email: not valid Unicode"),
        ("isDeleted", 1, "isDeleted: is int, not bool"),
        ("date", None, "date: is NoneType, not dict"),
        ("date", "canary", "date: is str, not dict"),
        (
            "date",
            {"requested": "canary", "triggered": 7, "notified": None, "deleted": None},
            "date.triggered: is int, not str",
        ),
        ("system", {"id": "canary", "databaseId": "d"}, "system.memberId: missing"),
    ],
)
def test_br003_a_value_of_the_wrong_type_is_refused_by_its_field_and_never_quoted(
    field, value, says
):
    record = archived(raw("demand")).record | {field: value}
    with pytest.raises(ValueError, match=says) as refused:
        schemas.encode("demand", record)
    assert "canary" not in str(refused.value)


def test_br003_a_missing_field_is_refused():
    record = archived(raw("sale")).record
    del record["reference"]
    with pytest.raises(ValueError, match="reference: missing"):
        schemas.encode("sale", record)
