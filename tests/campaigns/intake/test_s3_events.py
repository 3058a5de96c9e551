"""What S3 says of new objects, in each of its wordings. [S-1]"""

from __future__ import annotations

import json

import pytest

from campaigns.errors import UnknownEvent
from campaigns.intake.s3_events import Created, created_in


def record(key: str, event: str = "ObjectCreated:Put", source: str = "aws:s3") -> dict:
    return {
        "eventSource": source,
        "eventName": event,
        "s3": {"bucket": {"name": "files"}, "object": {"key": key, "size": 3}},
    }


def test_s1_each_created_object_of_a_batch_is_named_and_others_are_not():
    event = [
        record("scored/a.1.txt"),
        record("scored/b.1.txt", "ObjectRemoved:Delete"),
        record("c", "ObjectCreated:Copy"),
    ]
    assert created_in(json.dumps({"Records": event})) == [
        Created("files", "scored/a.1.txt"),
        Created("files", "c"),
    ]


@pytest.mark.parametrize(
    ("key", "name"),
    [("a+b%2Bc", "a b+c"), ("f%C3%AAte/%E2%82%AC.txt", "fête/€.txt"), ("a%2520b", "a%20b")],
)
def test_s1_keys_are_decoded_once(key, name):
    assert created_in(json.dumps({"Records": [record(key)]})) == [Created("files", name)]


def test_s1_an_event_by_way_of_sns_is_the_same_event():
    wrapped = {"Type": "Notification", "Message": json.dumps({"Records": [record("a")]})}
    assert created_in(json.dumps(wrapped)) == [Created("files", "a")]


def test_s1_an_event_by_way_of_eventbridge_has_its_key_as_it_is():
    event = {"source": "aws.s3", "detail": {"bucket": {"name": "files"}, "object": {"key": "a+b"}}}
    assert created_in(json.dumps(event | {"detail-type": "Object Created"})) == [
        Created("files", "a+b")
    ]
    assert created_in(json.dumps(event | {"detail-type": "Object Deleted"})) == []


def test_s1_a_test_event_names_no_object():
    assert (
        created_in(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "files"}))
        == []
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "1",
        "{}",
        '{"Records": 7}',
        '{"Records": [null]}',
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        json.dumps({"Records": [record("a", source="aws:other")]}),
        json.dumps(
            {"Records": [record("a") | {"s3": {"bucket": {"name": 4}, "object": {"key": "a"}}}]}
        ),
        json.dumps({"Type": "Notification", "Message": {"Records": []}}),
        json.dumps({"source": "aws.s3", "detail-type": "Object Created"}),
        "[" * 100_000,
        '{"Records":' + '{"a":' * 5_000,
        json.dumps({"Type": "Notification", "Message": "[" * 60_000}),
    ],
)
def test_s1_what_is_no_event_of_s3_is_refused(body):
    with pytest.raises(UnknownEvent):
        created_in(body)
