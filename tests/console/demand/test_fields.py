"""Records and events as people may read them: harmless, masked, what changed marked. [BR-019,
BR-020, D-4]
"""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from console.demand.fields import in_order, laid_out, lines, shown
from demand.schemas import schema_of

CONTACT = {
    "phoneNumber": "+12025550123",
    "email": "anna@example.com",
    "messageBody": "Dear Anna",
    "systemUserId": "legacy.db7.member-123456",
    "system": {"memberId": "member-123456"},
}


def by_name(record, before=None, *, hidden=False):
    return {line.name: line for line in lines(record, before, hidden=hidden)}


def test_nested_fields_have_dotted_names_and_nulls_are_left_out():
    found = lines(
        {"date": {"requested": "2026", "deleted": None}, "isDeleted": True, "email": None},
        hidden=False,
    )
    assert [(line.name, line.value) for line in found] == [
        ("date.requested", "2026"),
        ("isDeleted", "yes"),
    ]


def test_br019_personal_fields_are_masked_while_personal_data_is_hidden():
    shown = by_name(CONTACT, hidden=True)
    assert [line.value for line in shown.values()] == [
        "+1••••••••23",
        "a•••@e•••.com",
        "•••••••••",
        "le" + "•" * 22,
        "me•••••••••••",
    ]
    assert by_name(CONTACT)["email"].value == "anna@example.com"


def test_br005_what_was_taken_out_is_said_so_and_not_masked_again():
    line = by_name({"email": "[redacted]"}, hidden=True)["email"]
    assert (line.value, line.scrubbed) == ("[redacted]", True)


def test_br020_changes_are_found_before_the_mask_makes_them_look_alike():
    line = by_name({"email": "anna@example.com"}, {"email": "abel@example.com"}, hidden=True)[
        "email"
    ]
    assert (line.value, line.before, line.changed) == ("a•••@e•••.com", "a•••@e•••.com", True)


def test_br020_fields_that_came_and_fields_that_went_are_changes_and_equal_ones_are_not():
    found = by_name(
        {"saleName": "Presale", "eventName": "Tour"}, {"artistName": "Band", "eventName": "Tour"}
    )
    assert {name: line.changed for name, line in found.items()} == {
        "saleName": True,
        "eventName": False,
        "artistName": True,
    }
    assert (found["artistName"].value, found["artistName"].before) == ("", "Band")


def test_without_a_state_before_nothing_is_called_changed():
    assert not by_name({"eventName": "Tour"})["eventName"].changed


def test_a_very_long_value_is_cut_and_its_length_said():
    assert shown("eventName", "x" * 5_000, hidden=False).endswith("… (5,000 characters in all)")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_laying_json_out_changes_nothing_of_it(value):
    assert json.loads(laid_out(json.dumps(value))) == value


@given(st.text())
def test_laying_out_what_is_no_json_loses_nothing_but_space(text):
    assert "".join(laid_out(text).split()) == "".join(text.split())


def test_fields_stand_in_the_order_of_the_schema_and_unknown_ones_last():
    record = {
        "odd": "x",
        "reference": {"timestamp": "t", "id": "r"},
        "date": {"requested": "d"},
        "fanId": "f",
        "type": "demand",
    }
    found = [line.name for line in lines(in_order(record, schema_of("demand").avro), hidden=False)]
    assert found == [
        "type",
        "fanId",
        "date.requested",
        "reference.id",
        "reference.timestamp",
        "odd",
    ]


def test_json_is_laid_out_with_a_line_for_each_member():
    assert laid_out('{"a":{"S":"x, {y}"},"b":[],"c":[1,2]}') == (
        '{\n  "a": {"S": "x, {y}"},\n  "b": [],\n  "c": [\n    1,\n    2\n  ]\n}'
    )
