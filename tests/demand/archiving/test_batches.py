"""A batch becomes files: what lies in them, what they are called, that a repeat makes the same.
[BR-012 … BR-017, D-5]
"""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake.avro import container
from demand.archiving.batches import Decided, decide
from demand.choices import ErrorType
from demand.events.conversion import Failed
from sandbox import changes
from sandbox.changes import BEGINS, change, demand, event, notification, sale, text

NOW = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def raw(made: dict) -> bytes:
    return json.dumps(made).encode()


def decided(raws, *, source="test", first="1", last="9", now=NOW, **options) -> Decided:
    return decide(source, first, last, raws, now=now, **options)


def records_in(content: bytes) -> list[dict]:
    return list(container.read_records(io.BytesIO(content)))


def fans_in(content: bytes) -> list[str]:
    return [record["fanId"] for record in records_in(content)]


def no_time(made: dict) -> bytes:
    del made["dynamodb"]["ApproximateCreationDateTime"]
    return raw(made)


def test_br012_br016_records_of_one_type_and_day_lie_in_one_file_in_the_order_of_the_events():
    later = BEGINS + timedelta(days=1)
    raws = [
        raw(change("INSERT", demand("a", "e", "s"))),
        raw(change("INSERT", demand("b", "e", "s", at=later))),
        raw(change("INSERT", notification("c", "e", "s"))),
        raw(change("INSERT", event("e"))),
        raw(change("INSERT", demand("d", "e", "s"))),
        raw(change("INSERT", sale("s", "e"))),
    ]
    found = {(file.record_type, file.partition_date): file for file in decided(raws).files}
    assert list(found) == [
        ("demand", "2026-01-20"),
        ("demand", "2026-01-21"),
        ("event", "2026-01-20"),
        ("notification", "2026-01-20"),
        ("sale", "2026-01-23"),
    ]
    assert fans_in(found["demand", "2026-01-20"].content) == ["a", "d"]
    assert fans_in(found["demand", "2026-01-21"].content) == ["b"]
    assert [row.split("\t")[0] for row in found["demand", "2026-01-20"].snapshots] == ["0", "1"]


def test_br013_br015_a_files_key_names_type_day_time_without_colons_and_a_unique_name():
    made = decided([raw(change("INSERT", demand("a", "e", "s"), at=BEGINS))], prefix="kept")
    assert re.fullmatch(
        rf"kept/data/demand/partition_date=2026-01-20/2026-01-20T18-00-00\.000Z-{UUID}\.avro",
        made.files[0].key,
    )


def test_br014_an_error_file_lies_under_errors():
    (file,) = decided([b"no event"]).error_files
    assert re.fullmatch(rf"demand/errors/2026-02-03T04-05-06\.789Z-{UUID}\.json", file.key)


def test_d5_the_time_in_the_names_is_that_of_the_newest_change_of_the_batch():
    newest = BEGINS + timedelta(hours=3)
    raws = [
        raw(change("INSERT", demand(str(n), "e", "s"), at=at))
        for n, at in enumerate((BEGINS, newest, BEGINS))
    ]
    assert "/2026-01-20T21-00-00.000Z-" in decided(raws).files[0].key


def test_br015_a_year_in_a_name_has_four_digits_whatever_a_change_says_of_its_time():
    made = change("INSERT", demand("fan-1", "event-1", "sale-1"))
    made["dynamodb"]["ApproximateCreationDateTime"] = "0700-01-01T00:00:00Z"
    (file,) = decided([raw(made)]).files
    assert file.key.rpartition("/")[2].startswith("0700-01-01T00-00-00.000Z-")


def test_d5_events_without_a_time_of_their_own_are_named_for_the_batchs():
    made = decided([no_time(change("INSERT", demand("a", "e", "s")))])
    assert "/2026-02-03T04-05-06.789Z-" in made.files[0].key


def test_d5_a_repeat_makes_the_same_files_and_another_position_others():
    raws = list(changes.make(60, bad=0.2, carried=0.2))
    once, again = decided(raws), decided(raws)
    assert once == again
    assert once.files
    assert once.error_files
    others = [decided(raws, first="2"), decided(raws, last="8"), decided(raws, source="other")]
    keys = [{file.key for file in (*made.files, *made.error_files)} for made in (once, *others)]
    assert sum(map(len, keys)) == len(set().union(*keys))


def test_br017_errors_of_a_batch_lie_together_by_type_with_what_is_wrong_with_each():
    raws = [
        b"{",
        raw(change("INSERT", demand("a", "e", "s"))),
        raw(change("INSERT", demand("", "e", "s"))),
        b"]",
    ]
    made = decided(raws)
    documents = {file.error_type: json.loads(file.content) for file in made.error_files}
    assert set(documents) == {ErrorType.NOT_JSON, ErrorType.INVALID_FIELD}
    not_json = documents[ErrorType.NOT_JSON]
    assert not_json["error"] == {"type": "not_json", "message": "2 events: not JSON"}
    assert not_json["timestamp"] == "2026-02-03T04:05:06.789Z"
    assert [detail["position"] for detail in not_json["details"]] == [1, 4]
    assert documents[ErrorType.INVALID_FIELD]["error"]["message"].startswith("1 event: ")
    assert documents[ErrorType.INVALID_FIELD]["details"] == [
        {"position": 3, "message": "fanId: missing or empty"}
    ]
    assert json.loads(documents[ErrorType.INVALID_FIELD]["events"][0])["eventName"] == "INSERT"


def test_an_event_that_its_reader_could_not_take_is_an_error_like_others():
    given_up = Failed(ErrorType.TOO_LARGE, "9 bytes, more than 8", "{}")
    made = decided([given_up, raw(change("INSERT", demand("a", "e", "s")))])
    assert (made.events, made.archived, made.errors) == (2, 1, 1)
    assert made.error_counts == {"too_large": 1}


def test_br003_a_files_header_says_how_many_records_it_has_and_its_catalogue_entry_the_same():
    made = decided(list(changes.make(300)))
    for file in made.files:
        header = container.read_header(io.BytesIO(file.content))
        assert header.summary is not None
        assert (header.summary.records, header.summary.content_hash) == (
            file.records,
            file.content_hash,
        )
        assert len(records_in(file.content)) == file.records == len(file.snapshots)
        assert header.schema_name == file.schema == f"{file.record_type}.v1"


def test_d6_of_several_changes_of_a_record_the_batch_keeps_the_newest_whatever_their_order():
    newest = change(
        "MODIFY", demand("a", "e", "s", eventName=text("new")), 7, at=BEGINS + timedelta(minutes=1)
    )
    same_time = change(
        "MODIFY",
        demand("a", "e", "s", eventName=text("higher")),
        8,
        at=BEGINS + timedelta(minutes=1),
    )
    old = change("INSERT", demand("a", "e", "s", eventName=text("old")), 9)
    for raws, wanted in (
        ([newest, old], "new"),
        ([old, newest], "new"),
        ([same_time, old, newest], "higher"),
    ):
        states = decided([raw(each) for each in raws]).states
        assert list(states) == [("e_s_a", "demand")]
        row = states["e_s_a", "demand"][2]
        assert json.loads(row.split("\t")[8])["eventName"] == wanted


def test_d6_of_changes_that_nothing_tells_the_age_of_the_later_in_the_batch_is_the_newer():
    made = [demand("a", "e", "s", eventName=text(name)) for name in ("first", "second")]
    raws = [no_time(change("MODIFY", image)) for image in made]
    (state,) = decided(raws).states.values()
    assert '"second"' in state[2]


def test_unknown_attributes_and_systems_left_out_are_counted():
    image = demand("a", "e", "s", systemUserId=text("alone"), colour=text("red"), size=text("L"))
    made = decided([raw(change("INSERT", image))] * 3)
    assert (made.unknown_attributes, made.systems_left_out) == (6, 3)


def test_a_batch_of_nothing_makes_no_file():
    made = decided([])
    assert (made.events, made.archived, made.errors, made.files, made.error_files) == (
        0,
        0,
        0,
        (),
        (),
    )


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 19)), max_size=30), st.integers(0, 5)
)
def test_d5_whatever_comes_in_is_archived_or_an_error_and_each_record_is_in_one_file(events, seed):
    """A number stands for the good or bad pretend event of that number."""
    pretend = list(changes.make(20, seed=seed, bad=0.3, carried=0.3))
    raws = [pretend[each] if isinstance(each, int) else each for each in events]
    made = decided(raws)
    assert made.events == len(raws) == made.archived + made.errors
    assert (
        sum(made.type_counts.values())
        == sum(len(records_in(file.content)) for file in made.files)
        == made.archived
    )
    assert sum(made.error_counts.values()) == sum(
        len(json.loads(file.content)["events"]) for file in made.error_files
    )
    assert len({file.key for file in (*made.files, *made.error_files)}) == len(made.files) + len(
        made.error_files
    )


@pytest.mark.parametrize("record_type", ["demand", "notification", "event", "sale"])
@pytest.mark.parametrize("name", ["INSERT", "MODIFY", "REMOVE"])
def test_br004_br005_deletions_of_every_type_are_marked_and_scrubbed_in_the_file_and_in_the_state(
    record_type, name
):
    image = {
        "demand": demand("a", "e", "s"),
        "notification": notification("a", "e", "s"),
        "event": event("e"),
        "sale": sale("s", "e"),
    }[record_type]
    made = decided([raw(change(name, image))])
    (record,) = records_in(made.files[0].content)
    assert record["isDeleted"] is (True if name == "REMOVE" else None)
    (state,) = made.states.values()
    for personal in (b"@example.com", b"+12065550142", b"Your code waits"):
        kept = name != "REMOVE" and personal in raw(image)
        assert (personal in raw(record)) == (personal in state[2].encode()) == kept
