"""An event that failed is kept as it came, redacted where it must be. [BR-017, D-4]"""

from __future__ import annotations

from base64 import b64decode, b64encode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demand.events.error_entries import MOST_UNPARSED_BYTES, kept
from demand.events.redaction import redact_bytes
from fairwave import env

EXAMPLES = 5_000 if env.switch("FAIRWAVE_FULL", False) else 100


@given(st.binary(max_size=400))
@settings(max_examples=EXAMPLES)
def test_d4_any_bytes_can_be_redacted_and_kept(data):
    redact_bytes(data)
    assert isinstance(orjson.loads(kept(data)), dict | list | str | int | float | bool)


def test_d4_of_what_is_too_large_and_cannot_be_parsed_only_the_beginning_is_kept():
    for filling in (b"x", b" a@b.example"):
        data = b'{"email": "canary"' + filling * (3 << 20)
        held = b64decode(orjson.loads(kept(data))["raw"])
        assert len(held) <= MOST_UNPARSED_BYTES
        assert b"canary" not in held
        assert b"a@b" not in held


def test_d4_nothing_is_cut_in_two_at_the_end_of_what_is_kept():
    for shift in range(24):
        data = b"." * shift + b"canary@mail.example +447700900123 " * 150_000
        held = b64decode(orjson.loads(kept(data))["raw"])
        assert b"can" not in held
        assert b"447" not in held


def test_d4_an_event_nested_too_deeply_to_be_written_is_kept_as_bytes():
    data = (
        b'{"eventName": "REMOVE", "dynamodb": {"OldImage": '
        + b'{"a":' * 500
        + b'{"email": "canary"}'
        + b"}" * 502
    )
    assert b"canary" not in b64decode(orjson.loads(kept(data))["raw"])


@pytest.mark.parametrize(
    "outside",
    [
        lambda deletion: {"Records": [deletion]},
        lambda deletion: {"dynamodb": [deletion]},
        lambda deletion: {"dynamodb": orjson.dumps(deletion).decode()},
        lambda deletion: {"kinesis": [{"data": b64encode(orjson.dumps(deletion)).decode()}]},
        lambda deletion: {"kinesis": {"data": deletion}},
    ],
)
def test_d4_an_event_name_outside_of_a_stream_record_hides_no_deletion(outside):
    deletion = {
        "eventName": "REMOVE",
        "dynamodb": {"OldImage": {"email": {"S": "canary"}, "messageBody": {"S": "canary"}}},
    }
    text = kept(orjson.dumps({"eventName": "INSERT", **outside(deletion)}))
    assert "canary" not in text
    assert b64encode(b"canary")[:7].decode() not in text
    assert b64encode(orjson.dumps(deletion)).decode() not in text
