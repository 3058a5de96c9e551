"""What leads to a fan is found in texts of any form, and taken out of their records and of nobody
else's. [X-11]
"""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand.erasure.scrubbing import ERASED, forget, forget_events, speaks_of
from demand.events.redaction import REDACTED

FAN = "fan-4f9c1e"
RECORD = {
    "type": "demand",
    "fanId": FAN,
    "eventId": "event-1",
    "saleId": "sale-1",
    "eventName": f"Home of {FAN}",
    "phoneNumber": "+12025550123",
    "email": None,
    "date": {"requested": "2026-10-01T12:00:00Z", "deleted": None},
    "systemUserId": f"legacy.db7.{FAN}",
    "system": {"id": "legacy", "databaseId": "db7", "memberId": FAN},
    "reference": {"id": f"event-1_sale-1_{FAN}", "timestamp": "2026-10-01T12:00:00.000Z"},
    "isDeleted": None,
}


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_x11_a_record_keeps_event_sale_and_dates_and_loses_what_leads_to_the_fan():
    erased = forget(RECORD, FAN)
    assert FAN not in json.dumps(erased)
    assert (erased["fanId"], erased["systemUserId"], erased["system"]["memberId"]) == (
        ERASED,
        ERASED,
        ERASED,
    )
    assert (erased["phoneNumber"], erased["email"]) == (REDACTED, None)
    assert erased["reference"] == {
        "id": f"event-1_sale-1_{ERASED}",
        "timestamp": "2026-10-01T12:00:00.000Z",
    }
    assert {name: erased[name] for name in ("eventId", "saleId", "date")} == {
        name: RECORD[name] for name in ("eventId", "saleId", "date")
    }
    assert RECORD["fanId"] == FAN


def test_x11_a_fan_whose_id_is_a_word_of_the_record_leaves_its_dates_and_event_alone():
    record = RECORD | {
        "fanId": "12",
        "eventId": "12",
        "reference": {"id": "12_sale-1_12", "timestamp": "t"},
    }
    erased = forget(record, "12")
    assert (erased["date"], erased["eventId"], erased["reference"]["id"]) == (
        record["date"],
        "12",
        f"12_sale-1_{ERASED}",
    )


@pytest.mark.parametrize(
    "text",
    [
        FAN,
        f"event-1_sale-1_{FAN}",
        f"legacy.db7.{FAN}",
        json.dumps({"S": FAN}),
        json.dumps(json.dumps({"S": FAN})),
        "broken {\\u0066an-4f9c1e",
        f"x\\n{FAN}",
        packed(json.dumps({"fanId": {"S": FAN}})),
        json.dumps({"raw": packed(f"é {FAN} {{")}),
        json.dumps({"kinesis": {"data": packed(json.dumps({"data": packed(f'"{FAN}"')}))}}),
        base64.urlsafe_b64encode(f"???>>>{FAN}".encode()).decode(),
        packed(f"some words before, and then {FAN}").rstrip("="),
        base64.encodebytes(
            f"{'a line of base64 that is broken after 76 letters ':>70}{FAN}".encode()
        ).decode(),
        "text/" + packed(f"{{}}{FAN}"),
    ],
)
def test_x11_an_id_is_found_plain_escaped_and_inside_base64(text):
    assert speaks_of(FAN)(text)


@pytest.mark.parametrize(
    "other", [f"{FAN}2", f"{FAN}-2", f"x{FAN}", f"x-{FAN}", "fan-4f9c1", f"é{FAN}", FAN.upper()]
)
def test_x11_an_id_that_is_part_of_another_is_not_it(other):
    speaks = speaks_of(FAN)
    for text in (
        other,
        f"event-1_sale-1_{other}",
        json.dumps({"S": other}),
        packed(json.dumps({"S": other})),
    ):
        assert not speaks(text), text


def test_x11_an_id_beyond_ascii_is_found_however_json_writes_it():
    fan = "fän 😀"
    speaks = speaks_of(fan)
    assert speaks(json.dumps({"S": fan}))
    assert speaks(packed(json.dumps({"S": fan})))
    assert speaks(json.dumps({"S": fan}, ensure_ascii=False))


ids = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=12,
)


@given(
    fan=ids,
    before=st.text(max_size=9),
    layers=st.lists(st.sampled_from(["json", "base64"]), max_size=3),
)
def test_x11_whatever_an_id_is_and_however_it_is_wrapped_it_is_found(fan, before, layers):
    text = json.dumps({"before": before, "S": fan})
    for layer in layers[:2]:
        text = packed(text) if layer == "base64" else json.dumps({"data": text})
    assert speaks_of(fan)(text)


def test_x11_of_an_error_file_only_the_events_that_speak_of_the_fan_go():
    events = [json.dumps({"a": FAN}), json.dumps({"a": "fan-2"}), json.dumps({"raw": packed(FAN)})]
    document, count = forget_events(
        {"timestamp": "t", "error": {"type": "not_json"}, "events": events}, FAN
    )
    assert (document["events"], count) == ([ERASED, events[1], ERASED], 2)
    assert forget_events(document, FAN) == (document, 0)
    with pytest.raises(ValueError, match="no list of events"):
        forget_events({"events": FAN}, FAN)


def _change(kind, **attributes):
    return {"eventName": "INSERT", "dynamodb": {"NewImage": {"type": {"S": kind}, **attributes}}}


def test_x11_an_event_that_says_whose_it_is_is_erased_with_its_fan_alone():
    """A fan called 1 is in many texts: in prices, dates and names of sales."""
    other = json.dumps(
        _change("demand", fanId={"S": "fan-7"}, saleId={"S": "1"}, messageBody={"S": "seat 1"})
    )
    own = [
        json.dumps(_change(kind, fanId=fan))
        for kind in ("demand", "notification")
        for fan in ({"S": " 1 "}, {"N": "1"})
    ]
    carried = json.dumps(
        {"Data": base64.b64encode(own[0].encode()).decode(), "SequenceNumber": "4"}
    )
    sale = json.dumps(_change("sale", id={"S": "1"}, eventId={"S": "1"}))
    unsaid = json.dumps(_change("demand", saleId={"S": "1"}))
    document, count = forget_events(
        {"events": [other, *own, carried, sale, unsaid, '{"raw":"MQ=="}']}, "1"
    )
    assert document["events"] == [other, *[ERASED] * 5, sale, ERASED, '{"raw":"MQ=="}']
    assert count == 6
