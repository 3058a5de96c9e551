"""Images in DynamoDB's wire format become records of their schema. [BR-003]"""

from __future__ import annotations

import pytest

from demand.choices import ErrorType
from demand.events.images import MADE
from demand.schemas import schema_of
from tests.demand.changes import CHANGES, NAMES, RECORDS, TYPES, Wire, archived, failed, raw


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (Wire({"N": "5"}), "is N, not S"),
        (Wire({"B": "YQ=="}), "is B, not S"),
        (Wire({"BOOL": True}), "is BOOL, not S"),
        (Wire({"M": {}}), "is M, not S"),
        (Wire({"L": []}), "is L, not S"),
        (Wire({"SS": ["canary"]}), "is SS, not S"),
        (Wire({"NS": ["1"]}), "is NS, not S"),
        (Wire({"BS": ["YQ=="]}), "is BS, not S"),
        (Wire({"S": 5}), "S: not a string"),
        (Wire({"N": "canary"}), "N: not a number"),
        (Wire({"NULL": False}), "NULL: not true"),
        (Wire({"canary": "x"}), "not a DynamoDB type"),
        (Wire({}), "not exactly one DynamoDB type"),
        (Wire({"S": "canary", "N": "5"}), "not exactly one DynamoDB type"),
        (Wire({"S": "canary", "NULL": True}), "not exactly one DynamoDB type"),
        (Wire("canary"), "not an object with a DynamoDB type"),
    ],
)
def test_br003_a_field_of_the_wrong_type_is_named_with_its_type_and_never_quoted(
    record_type, name, value, says
):
    field = next(each for each in ("email", "name") if each in RECORDS[record_type])
    found = failed(raw(record_type, name, **{field: value}))
    assert found.error_type == ErrorType.INVALID_FIELD
    assert found.message == f"{field}: {says}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("record_type", ["demand", "notification", "event", "sale"])
def test_br003_nested_fields_are_named_by_their_path(record_type, name):
    assert failed(raw(record_type, name, date=Wire({"S": "x"}))).message == "date: is S, not M"
    assert failed(raw(record_type, name, date=Wire({"M": []}))).message == "date: M: not an object"
    assert (
        failed(raw(record_type, name, date=Wire({"M": {}, "S": "x"}))).message
        == "date: not exactly one DynamoDB type"
    )
    assert (
        failed(raw(record_type, name, date={"deleted": 7})).message == "date.deleted: is N, not S"
    )


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_br003_strings_are_trimmed_and_what_is_null_empty_or_absent_is_null(record_type, name):
    optional = {"demand": "eventName", "notification": "saleName", "event": "name", "sale": "name"}[
        record_type
    ]
    assert (
        archived(raw(record_type, name, **{optional: "\u2003 Zoë & Söhne \t"})).record[optional]
        == "Zoë & Söhne"
    )
    for value in (None, "", " "):
        assert archived(raw(record_type, name, **{optional: value})).record[optional] is None
    assert archived(raw(record_type, name, without=(optional,))).record[optional] is None


@pytest.mark.parametrize("record_type", TYPES)
def test_br003_a_record_has_every_field_of_its_schema_and_no_other(record_type):

    found = archived(raw(record_type, canary="x"))
    assert set(found.record) == {field["name"] for field in schema_of(record_type).avro["fields"]}


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_unknown_attributes_of_every_wire_type_are_left_out_and_counted(record_type, name):
    values = [
        {"S": "a"},
        {"N": "1"},
        {"B": ""},
        {"BOOL": True},
        {"NULL": True},
        {"M": {"x": {"S": "a"}}},
        {"L": [{"S": "a"}]},
    ]
    values += [{"SS": ["a"]}, {"NS": ["1"]}, {"BS": ["YQ=="]}, {"N": "no number"}, "no wire value"]
    odd = {f"canary{number}": Wire(value) for number, value in enumerate(values)}
    found = archived(raw(record_type, name, **odd))
    assert found.unknown_attributes == len(odd)
    assert b"canary" not in found.encoded
    assert "canary" not in str(found.record)
    assert archived(raw(record_type, name)).unknown_attributes == 0


def test_unknown_attributes_inside_of_maps_count_too():
    dates = {"start": {"dateTime": "2026-10-01", "zone": "UTC"}, "end": {}, "doors": {"a": "b"}}
    assert archived(raw("event", eventDate=dates, colour="red")).unknown_attributes == 3


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_what_is_made_here_is_not_taken_from_the_image_and_is_no_unknown_attribute(
    record_type, name
):
    odd = {"reference": {"id": "canary"}, "system": "canary", "isDeleted": True}
    assert set(odd) == set(MADE)
    assert archived(raw(record_type, name, **odd)) == archived(raw(record_type, name))
