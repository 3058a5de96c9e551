from __future__ import annotations

from decimal import Decimal

import pytest

from demand.events.wire import tag_of, value_of


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ({"S": ""}, ""),
        ({"S": " Zoë "}, " Zoë "),
        ({"N": "0"}, 0),
        ({"N": "-17"}, -17),
        ({"N": "+17"}, 17),
        ({"N": "99999999999999999999999999999999999999"}, 99999999999999999999999999999999999999),
        ({"N": "-0.1"}, Decimal("-0.1")),
        ({"N": "1E+126"}, Decimal("1E+126")),
        ({"B": "AP8="}, b"\x00\xff"),
        ({"B": ""}, b""),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"M": {"a": {"M": {"b": {"N": "1"}}}}}, {"a": {"b": 1}}),
        ({"M": {}}, {}),
        ({"L": [{"S": "a"}, {"NULL": True}]}, ["a", None]),
        ({"L": []}, []),
        ({"SS": ["a", "b", "a"]}, {"a", "b"}),
        ({"NS": ["1", "-2.5"]}, {1, Decimal("-2.5")}),
        ({"BS": ["YQ=="]}, {b"a"}),
    ],
)
def test_each_wire_type_is_its_python_value(wire, value):
    found = value_of(wire)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        ("canary", "not an object with a DynamoDB type"),
        ({}, "not exactly one DynamoDB type"),
        ({"S": "a", "N": "1"}, "not exactly one DynamoDB type"),
        ({"canary": "x"}, "not a DynamoDB type"),
        ({"S": 5}, "S: not a string"),
        ({"N": 5}, "N: not a number in a string"),
        ({"N": "canary"}, "N: not a number"),
        ({"N": "NaN"}, "N: not a number"),
        ({"N": "1_000.5"}, "N: not a number"),
        ({"N": " 1.5"}, "N: not a number"),
        ({"N": "9" * 401}, "N: not a number in a string"),
        ({"B": 5}, "B: not a string"),
        ({"B": "canary!"}, "B: not base64"),
        ({"BOOL": "true"}, "BOOL: not true or false"),
        ({"NULL": False}, "NULL: not true"),
        ({"M": []}, "M: not an object"),
        ({"M": {"canary": {"N": "x"}}}, "N: not a number"),
        ({"L": {}}, "L: not a list"),
        ({"L": ["canary"]}, "not an object with a DynamoDB type"),
        ({"SS": "canary"}, "SS: not a list"),
        ({"NS": ["canary"]}, "N: not a number"),
    ],
)
def test_what_is_no_wire_value_is_refused_by_its_type_and_never_quoted(wire, says):
    with pytest.raises(ValueError, match=says) as refused:
        value_of(wire)
    assert "canary" not in str(refused.value)


def test_maps_may_be_nested_as_deeply_as_dynamodb_allows_and_not_without_end():
    wire = {"S": "a"}
    for _ in range(32):
        wire = {"M": {"a": wire}}
    assert str(value_of(wire)).count("{") == 32
    for _ in range(1000):
        wire = {"L": [wire]}
    with pytest.raises(ValueError, match="nested too deeply"):
        value_of(wire)


def test_the_type_of_a_wire_value_is_told_without_looking_at_what_it_holds():
    assert tag_of({"N": "canary"}) == "N"
