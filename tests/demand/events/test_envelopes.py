from __future__ import annotations

import orjson
import pytest

from demand.choices import ErrorType
from demand.errors import BadEvent
from demand.events.envelopes import BOM, open_event
from tests.demand.changes import CHANGES, archived, fetched_record, lambda_record, raw

BARE = raw("demand", "INSERT")


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_d1_an_event_is_the_same_bare_and_as_kinesis_carries_it(record_type, name):
    bare = raw(record_type, name, change={"SequenceNumber": "5"})
    assert archived(lambda_record(bare)) == archived(fetched_record(bare)) == archived(bare)


def test_an_opened_event_comes_with_its_own_json_and_the_number_of_its_envelope():
    assert open_event(BARE) == (orjson.loads(BARE), BARE, None)
    assert open_event(lambda_record(BARE, "12")) == (orjson.loads(BARE), BARE, "12")
    assert open_event(fetched_record(BARE, "13")) == (orjson.loads(BARE), BARE, "13")


def test_a_byte_order_mark_is_passed_over():
    assert open_event(BOM + BARE).event == orjson.loads(BARE)
    assert open_event(lambda_record(BOM + BARE)).event == orjson.loads(BARE)


@pytest.mark.parametrize(
    ("data", "error_type", "says"),
    [
        (b"", ErrorType.NOT_JSON, "not JSON at character 1"),
        (BARE[:-1], ErrorType.NOT_JSON, f"not JSON at character {len(BARE)}"),
        (BOM * 5000, ErrorType.NOT_JSON, "not JSON at character 1"),
        (b'{"dynamodb": "\\ud800"}', ErrorType.NOT_JSON, "not JSON"),
        (b"[" * 5000, ErrorType.NOT_JSON, "not JSON"),
        (b'{"a": "\xff"}', ErrorType.NOT_UTF8, "not UTF-8 at byte 8"),
        ("{}".encode("utf-16"), ErrorType.NOT_UTF8, "not UTF-8 at byte 1"),
        (
            b"null",
            ErrorType.WRONG_ENVELOPE,
            "neither a DynamoDB stream record nor one in a Kinesis record",
        ),
        (b"[]", ErrorType.WRONG_ENVELOPE, "neither"),
        (b'"text"', ErrorType.WRONG_ENVELOPE, "neither"),
        (b"{}", ErrorType.WRONG_ENVELOPE, "neither"),
        (b'{"kinesis": 5}', ErrorType.WRONG_ENVELOPE, "neither"),
        (
            b'{"Records": [{"dynamodb": {}}]}',
            ErrorType.WRONG_ENVELOPE,
            "Records: put each record on a line of its own",
        ),
        (b'{"kinesis": {"data": 5}}', ErrorType.WRONG_ENVELOPE, "not base64"),
        (b'{"kinesis": {"data": "YQ"}}', ErrorType.WRONG_ENVELOPE, "not base64"),
        (b'{"Data": "canary!"}', ErrorType.WRONG_ENVELOPE, "not base64"),
        ('{"Data": "é"}'.encode(), ErrorType.WRONG_ENVELOPE, "not base64"),
        (fetched_record(b"{}"), ErrorType.WRONG_ENVELOPE, "no DynamoDB stream record"),
        (
            fetched_record(lambda_record(BARE)),
            ErrorType.WRONG_ENVELOPE,
            "no DynamoDB stream record",
        ),
        (fetched_record(b"canary"), ErrorType.NOT_JSON, "not JSON at character 1"),
        (lambda_record(b"\xff"), ErrorType.NOT_UTF8, "not UTF-8 at byte 1"),
    ],
)
def test_what_is_no_change_event_is_refused_by_what_is_wrong_with_it(data, error_type, says):
    with pytest.raises(BadEvent, match=says) as refused:
        open_event(data)
    assert refused.value.error_type == error_type
    assert "canary" not in str(refused.value)
