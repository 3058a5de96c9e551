from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demand.choices import ErrorType
from demand.events.conversion import MOST_EVENT_BYTES, Archived, Failed, judge
from demand.events.envelopes import open_event
from fairwave import env
from tests.demand.changes import (
    CHANGED,
    CHANGES,
    FIELDS,
    NAMES,
    NOW,
    RECORDS,
    TYPES,
    Wire,
    archived,
    event,
    everything_in,
    failed,
    fetched_record,
    image_of,
    lambda_record,
    raw,
)
from tests.support.change_events import wire

EXAMPLES = 2_000 if env.switch("FAIRWAVE_FULL", False) else 80
CHANGED_STAMP = "2026-09-21T14:13:20.250Z"
NOW_STAMP = "2026-11-21T10:00:00.123Z"
PERSONAL = ("phoneNumber", "email", "messageBody")


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_br001_the_new_image_of_an_insert_or_modify_and_the_old_one_of_a_remove(record_type, name):
    found = archived(raw(record_type, name))
    source = RECORDS[record_type]
    ids = [field for field in ("fanId", "eventId", "saleId", "id") if field in source]
    assert {field: found.record[field] for field in ids} == {field: source[field] for field in ids}


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_br001_without_its_image_an_event_is_an_error_whatever_other_image_it_has(
    record_type, name
):
    other, own = ("NewImage", "OldImage") if name == "REMOVE" else ("OldImage", "NewImage")
    image = image_of(RECORDS[record_type])
    for gone in (None, ..., [], "canary"):
        found = failed(orjson.dumps(event(name, image, **{own: gone, other: image})))
        assert found.error_type == ErrorType.MISSING_IMAGE
        assert found.message.startswith(f"dynamodb.{own}: ")


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_br002_each_of_the_four_types_is_known(record_type, name):
    found = archived(raw(record_type, name, type=f" {record_type}\n"))
    assert found.record_type == found.record["type"] == record_type


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value",
    ["canary", "Demand", "", None, 5, Wire({"S": 5}), Wire("demand"), Wire(["demand"]), Wire({})],
)
def test_br002_any_other_type_is_an_error(name, value):
    found = failed(raw("demand", name, type=value))
    assert found.error_type == ErrorType.UNKNOWN_TYPE
    assert found.message == "type: none of demand, notification, event, sale"


@pytest.mark.parametrize("name", NAMES)
def test_br002_without_a_type_an_event_is_an_error(name):
    assert failed(raw("sale", name, without=("type",))).message == "type: missing"


@pytest.mark.parametrize("record_type", TYPES)
def test_br004_a_removed_record_is_marked_deleted_and_no_other(record_type):
    removed = archived(raw(record_type, "REMOVE"))
    assert removed.deleted
    assert removed.record["isDeleted"] is True
    assert removed.record["date"]["deleted"] == CHANGED_STAMP
    for name in ("INSERT", "MODIFY"):
        other = archived(raw(record_type, name))
        assert not other.deleted
        assert other.record["isDeleted"] is None
        assert (other.record["date"] or {}).get("deleted") is None


@pytest.mark.parametrize("record_type", TYPES)
def test_br004_d2_a_removal_without_a_time_of_its_own_was_made_now(record_type):
    found = archived(raw(record_type, "REMOVE", change={"ApproximateCreationDateTime": None}))
    assert found.record["date"]["deleted"] == NOW_STAMP
    assert (found.changed_at, found.own_time) == (NOW, False)


@pytest.mark.parametrize(
    "at",
    [1_790_000_000.25, 1_790_000_000_250, 1_790_000_000_250_000, "2026-09-21T16:13:20.25+02:00"],
)
@pytest.mark.parametrize("record_type", TYPES)
def test_d2_the_time_of_a_removal_is_the_changes_own_by_magnitude(record_type, at):
    found = archived(raw(record_type, "REMOVE", change={"ApproximateCreationDateTime": at}))
    assert found.record["date"]["deleted"] == CHANGED_STAMP
    assert (found.changed_at, found.own_time) == (
        datetime(2026, 9, 21, 14, 13, 20, 250_000, tzinfo=UTC),
        True,
    )


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
@pytest.mark.parametrize("at", ["canary", -5, True, [], {"N": "5"}, 10**18])
def test_d2_a_time_that_cannot_be_read_is_an_error_and_not_now(record_type, name, at):
    found = failed(raw(record_type, name, change={"ApproximateCreationDateTime": at}))
    assert found.error_type == ErrorType.INVALID_DATE
    assert found.message.startswith("dynamodb.ApproximateCreationDateTime: not a")
    assert "canary" not in found.message


@pytest.mark.parametrize("record_type", ["event", "sale"])
def test_br004_a_removed_record_without_dates_gets_the_one_of_its_removal(record_type):
    found = archived(raw(record_type, "REMOVE", without=("date",)))
    assert {name: value for name, value in found.record["date"].items() if value} == {
        "deleted": CHANGED_STAMP
    }
    assert archived(raw(record_type, "INSERT", without=("date",))).record["date"] is None


@pytest.mark.parametrize("record_type", TYPES)
def test_br005_personal_data_is_redacted_in_what_is_removed_where_it_was(record_type):
    values = {name: f"canary-{name}" for name in PERSONAL if name in RECORDS[record_type]}
    found = archived(raw(record_type, "REMOVE", **values))
    assert {name: found.record[name] for name in values} == dict.fromkeys(values, "[redacted]")
    assert b"canary" not in found.encoded
    empty = archived(raw(record_type, "REMOVE", **dict.fromkeys(values, "")))
    assert {name: empty.record[name] for name in values} == dict.fromkeys(values)


@pytest.mark.parametrize("name", ["INSERT", "MODIFY"])
@pytest.mark.parametrize("record_type", ["demand", "notification"])
def test_br019_personal_data_stays_in_what_is_not_removed(record_type, name):
    found = archived(raw(record_type, name))
    assert {key: found.record[key] for key in PERSONAL if key in found.record} == {
        key: RECORDS[record_type][key] for key in PERSONAL if key in RECORDS[record_type]
    }


@pytest.mark.parametrize("name", NAMES)
def test_br007_a_demands_system_is_taken_out_of_its_system_user(name):
    found = archived(raw("demand", name, systemUserId=" HOST.NA.12345 "))
    assert found.record["system"] == {"id": "HOST", "databaseId": "NA", "memberId": "12345"}
    assert found.record["systemUserId"] == "HOST.NA.12345"
    assert not found.system_left_out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user", ["HOST", "HOST.NA", "HOST.NA.1.2", "HOST..1", ".NA.1", "HOST.NA."])
def test_d3_a_system_user_of_another_form_leaves_the_system_out_and_is_counted(name, user):
    found = archived(raw("demand", name, systemUserId=user))
    assert (found.record["system"], found.record["systemUserId"], found.system_left_out) == (
        None,
        user,
        True,
    )


@pytest.mark.parametrize("name", NAMES)
def test_d3_without_a_system_user_nothing_was_left_out(name):
    found = archived(raw("demand", name, without=("systemUserId",)))
    assert (found.record["system"], found.system_left_out) == (None, False)


def day(record_type, name, **values):
    return archived(raw(record_type, name, **values)).partition_date


def test_the_number_of_an_event_is_its_own_else_its_envelopes_else_the_given_one():
    own, none = raw("sale", change={"SequenceNumber": "4955"}), raw("sale")
    assert archived(lambda_record(own, "7"), sequence=3).sequence == 4955
    assert archived(lambda_record(none, "7"), sequence=3).sequence == 7
    assert archived(fetched_record(none, "4" * 56), sequence=3).sequence == int("4" * 56)
    assert archived(none, sequence=3).sequence == 3
    assert archived(none).sequence == 0


@pytest.mark.parametrize(
    "number", ["", "canary", "-5", "1.5", "٣", "9" * 61, "9" * 5000, 1.5, True, [], {"a": 1}]
)
def test_a_number_that_is_none_counts_as_0(number):
    assert archived(raw("sale", change={"SequenceNumber": number}), sequence=3).sequence == 0


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
@pytest.mark.parametrize(
    "wrong", [None, "", "insert", "DELETE", "aws:kinesis:record", 5, ["INSERT"]]
)
def test_an_event_that_is_no_insert_modify_or_remove_is_an_error_and_redacted_as_a_removal(
    record_type, name, wrong
):
    values = {each: f"canary-{each}" for each in PERSONAL}
    found = failed(
        orjson.dumps(event(name, image_of(RECORDS[record_type], **values)) | {"eventName": wrong})
    )
    assert (found.error_type, found.message) == (
        ErrorType.WRONG_ENVELOPE,
        "eventName: none of INSERT, MODIFY, REMOVE",
    )
    assert "canary" not in found.kept


@pytest.mark.parametrize("stream", [None, 5, [], "canary"])
def test_an_event_whose_dynamodb_part_is_no_object_is_an_error(stream):
    found = failed(orjson.dumps({"eventName": "INSERT", "dynamodb": stream}))
    assert (found.error_type, found.message) == (
        ErrorType.WRONG_ENVELOPE,
        "dynamodb: not an object",
    )


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_nul_characters_are_left_out_except_of_ids_which_are_refused(record_type, name):
    field = (
        "eventName"
        if record_type == "demand"
        else "saleName"
        if record_type == "notification"
        else "name"
    )
    found = archived(raw(record_type, name, **{field: "\x00 The\x00 Tour \x00"}))
    assert found.record[field] == "The Tour"
    assert archived(raw(record_type, name, **{field: "\x00"})).record[field] is None
    id_field = "id" if "id" in RECORDS[record_type] else "fanId"
    refused = failed(raw(record_type, name, **{id_field: "a\x00b"}))
    assert (refused.error_type, refused.message) == (
        ErrorType.INVALID_FIELD,
        f"{id_field}: holds a NUL character",
    )


def test_a_date_with_a_nul_character_is_read_without_it():
    assert day("demand", "INSERT", date={"requested": "2026-01-20\x00"}) == "2026-01-20"


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_an_event_larger_than_2_mib_is_an_error_and_kept_whole_while_it_can_be_parsed(
    record_type, name
):
    personal = {each: f"canary-{each}" for each in PERSONAL}
    large = raw(record_type, name, **personal, filling="x" * MOST_EVENT_BYTES)
    found = failed(large)
    assert found.error_type == ErrorType.TOO_LARGE
    assert found.message == f"{len(large):,} bytes, more than 2,097,152"
    assert ("canary" in found.kept) == (name != "REMOVE")
    assert orjson.loads(found.kept)["eventName"] == name


def test_an_event_of_2_mib_is_archived():
    room = MOST_EVENT_BYTES - len(raw("notification", messageBody=""))
    assert archived(raw("notification", messageBody="x" * room)).record["messageBody"] == "x" * room


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_judging_again_gives_the_same(record_type, name):
    assert archived(raw(record_type, name)) == archived(raw(record_type, name))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=5)
    ),
    max_leaves=12,
)
wire_values = json_values | st.builds(
    lambda tag, held: {tag: held}, st.sampled_from(["S", "N", "M", "L", "B", "NULL"]), json_values
)
images = st.builds(
    lambda record, odd: image_of(RECORDS[record]) | odd,
    st.sampled_from(TYPES),
    st.dictionaries(FIELDS, wire_values, max_size=3),
)
changes = st.builds(
    lambda name, image, stream: event(name, image, **stream),
    st.sampled_from(NAMES),
    images,
    st.dictionaries(
        st.sampled_from(["ApproximateCreationDateTime", "SequenceNumber", "NewImage", "OldImage"]),
        json_values,
        max_size=1,
    ),
)


def dumped(value):
    try:
        return orjson.dumps(value)
    except TypeError:  # hypothesis draws lone surrogates
        return repr(value).encode("utf-8", "surrogatepass")


@given(
    st.binary() | st.one_of(json_values, changes).map(dumped),
    st.sampled_from([bytes, lambda_record, fetched_record]),
)
@settings(max_examples=EXAMPLES)
def test_whatever_comes_is_archived_or_failed_and_never_an_exception(data, carry):
    found = judge(carry(data), now=NOW)
    assert isinstance(found, Archived | Failed)
    if isinstance(found, Failed):
        orjson.loads(found.kept)
    else:
        assert found.encoded
        assert (
            "\x00"
            not in orjson.loads(orjson.dumps(found.record | {"ids": found.reference_id})).__repr__()
        )


CANARIES = {
    "phoneNumber": "+44 7700 900123",
    "email": "canary.fan@mail.example",
    "messageBody": "Canary, your code is KRILL",
}
LEFT = [b"900123", b"7700900", b"canary.fan", b"Canary", b"KRILL"]


def assert_no_canary(data):
    found = judge(data, now=NOW)
    held = (
        everything_in(found.kept.encode())
        if isinstance(found, Failed)
        else found.encoded + orjson.dumps(found.record)
    )
    assert [each for each in LEFT if each in held] == []


def at_any_place(data, draw):
    """A broken event: cut off, or with something put in, between two bytes that are not inside of a
    key.
    """
    starts = {name: data.find(f'"{name}"'.encode()) for name in CANARIES}
    inside = {
        place for name, start in starts.items() for place in range(start + 1, start + len(name) + 1)
    }
    place = draw(st.integers(0, len(data)).filter(lambda each: each not in inside))
    put_in = draw(
        st.sampled_from(
            [b"", b'"', b"}", b"{", b",", b"\\", b"\xff", b"\x00", b":", b"]", b"'", b" x "]
        )
    )
    return data[:place] + put_in + (b"" if draw(st.booleans()) else data[place:])


@given(st.data())
@settings(max_examples=EXAMPLES * 4)
def test_d4_a_canary_in_a_removal_is_found_nowhere_however_the_event_is_broken(data):
    record_type = data.draw(st.sampled_from(TYPES))
    odd = data.draw(
        st.dictionaries(
            FIELDS.filter(lambda each: each not in CANARIES), wire_values.map(Wire), max_size=2
        )
    )
    change = raw(record_type, "REMOVE", **(odd | CANARIES))
    if any(each in dumped(value.wire) for value in odd.values() for each in LEFT):
        return
    broken = data.draw(st.sampled_from([change, at_any_place(change, data.draw)]))
    assert_no_canary(data.draw(st.sampled_from([bytes, lambda_record, fetched_record]))(broken))


@pytest.mark.parametrize("record_type", TYPES)
@pytest.mark.parametrize("carry", [bytes, lambda_record, fetched_record])
@pytest.mark.parametrize(
    "spoil",
    [
        {"type": "unknown"},
        {"date": Wire({"S": "x"})},
        {"eventId": None, "id": None},
        {"filling": "x" * (3 << 20)},
        {
            "deep": {
                "a": Wire(
                    {
                        "M": {
                            "b": {"L": [wire(CANARIES), {"M": {"Email": {"S": CANARIES["email"]}}}]}
                        }
                    }
                ).wire
            }
        },
        {"copy": orjson.dumps(CANARIES).decode(), "type": "unknown"},
        {"email": Wire({"B": "Y2FuYXJ5"}), "type": None},
        {"email": Wire({"SS": [CANARIES["email"]]})},
    ],
)
def test_d4_a_canary_in_a_removal_that_fails_is_found_nowhere(record_type, carry, spoil):
    assert_no_canary(carry(raw(record_type, "REMOVE", **(CANARIES | spoil))))


@pytest.mark.parametrize("name", ["INSERT", "MODIFY"])
@pytest.mark.parametrize("carry", [bytes, lambda_record, fetched_record])
def test_d4_an_insert_or_modify_that_fails_is_kept_as_it_came(name, carry):
    data = carry(raw("demand", name, type="unknown"))
    assert failed(data).kept.encode() == data


@pytest.mark.parametrize("carry", [bytes, lambda_record, fetched_record])
def test_d4_a_removal_that_failed_can_be_repaired_and_judged_again(carry):
    kept = failed(carry(raw("demand", "REMOVE", type="unknown", **CANARIES))).kept.encode()
    again = kept
    if carry is not bytes:
        again = open_event(kept).json
    repaired = archived(again.replace(b'"unknown"', b'"demand"'))
    assert repaired.record == archived(raw("demand", "REMOVE")).record


def test_the_time_in_the_fixture_is_what_the_tests_say():
    assert datetime.fromtimestamp(CHANGED, UTC).isoformat() == "2026-09-21T14:13:20.250000+00:00"
