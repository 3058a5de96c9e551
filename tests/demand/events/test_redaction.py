from __future__ import annotations

from base64 import b64decode, b64encode

import orjson
import pytest

from demand.events.redaction import redact_bytes, redact_event
from tests.demand.changes import fetched_record, raw


def test_d4_values_under_the_three_keys_are_redacted_at_any_depth():
    event = {
        "eventName": "REMOVE",
        "dynamodb": {
            "Keys": {"email": {"S": "a@b.example"}, "id": {"S": "1"}},
            "NewImage": {
                "list": {"L": [{"M": {"phoneNumber": {"N": "1"}}}]},
                "contactEmail": {"SS": ["a@b.example"]},
            },
            "OldImage": {"messageBody": {"S": "hello"}, "count": {"N": "5"}},
        },
        "email": "a@b.example",
        "phoneNumber": ["1"],
    }
    assert redact_event(event) == {
        "eventName": "REMOVE",
        "dynamodb": {
            "Keys": {"email": {"S": "[redacted]"}, "id": {"S": "1"}},
            "NewImage": {
                "list": {"L": [{"M": {"phoneNumber": {"S": "[redacted]"}}}]},
                "contactEmail": {"S": "[redacted]"},
            },
            "OldImage": {"messageBody": {"S": "[redacted]"}, "count": {"N": "5"}},
        },
        "email": "[redacted]",
        "phoneNumber": "[redacted]",
    }


def test_d4_what_is_null_stays_null_and_the_event_itself_is_not_changed():
    event = {"email": None, "a": {"phoneNumber": {"NULL": True}, "messageBody": {"S": "x"}}}
    before = orjson.dumps(event)
    assert redact_event(event) == {
        "email": None,
        "a": {"phoneNumber": {"NULL": True}, "messageBody": {"S": "[redacted]"}},
    }
    assert orjson.dumps(event) == before


@pytest.mark.parametrize("value", [None, True, 5, 1.5, "text", [], [[1, "a"]], {"a": {}}])
def test_d4_what_holds_nothing_personal_stays_as_it_is(value):
    assert redact_event(value) == value


def test_d4_json_and_base64_inside_of_strings_are_looked_into():
    inner = '{"email": {"S": "a@b.example"}, "n": 1}'
    coded = b64encode(inner.encode()).decode()
    found = redact_event(
        {
            "text": inner,
            "coded": coded,
            "other": "E0123456789ABCDEF01234",
            "sentence": "an email was sent",
        }
    )
    assert found["text"] == '{"email":"[redacted]", "n": 1}'
    assert b64decode(found["coded"]) == b'{"email":"[redacted]", "n": 1}'
    assert (found["other"], found["sentence"]) == ("E0123456789ABCDEF01234", "an email was sent")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("to anna.b+c@mail.example.com, now", "to [redacted], now"),
        ("<zoë@bücher.example>", "<[redacted]>"),
        (r"anna\u0040mail.example anna%40mail.example", "[redacted] [redacted]"),
        ('"anna b"@mail.example', "[redacted]"),
        (r'{"x": "to \"anna b\"@mail.example", "n": 1', r'{"x": "to [redacted]", "n": 1'),
        (r'"anna\"b@c"@mail.example', "[redacted]"),
        ('{"x": "@mail", "n": "@"', '{"x": "@mail", "n": "@"'),
        ("anna＠mail.example anna\\uff20mail.example", "[redacted] [redacted]"),
        ("x=anna%2Btag%40mail.example y", "x=[redacted] y"),
        ("anna@[10.0.0.1] and", "[redacted] and"),
        ("call +44 7700 900123!", "call [redacted]!"),
        ("call 1\u2011310\u2013555\u20140123", "call [redacted]"),
        (
            "call 07723\u00a0456\u202f789 or 07723\u2009456\u3000789",
            "call [redacted] or [redacted]",
        ),
        ("call 1\u200b310\u2060555\u00ad0123", "call [redacted]"),
        ("call 1   -   310 (555) . 0123", "call [redacted]"),
        ("call ＋１（３１０）５５５－０１２３", "call [redacted]"),
        (r"call 1\u2011310\u00a0555\\u20140123", "call [redacted]"),
        (r"call \uff11\uff12\uff13\uff14\uff15\uff16\uff17", "call [redacted]"),
        ("tel=1%E2%80%91310%20555%2D0123&y", "tel=[redacted]&y"),
        ("call (202) 555-0123.", "call [redacted]."),
        ("0012025550123", "[redacted]"),
        ("++12025550123", "+[redacted]"),
        ("٠١٢٣٤٥٦٧٨٩", "[redacted]"),
        ("on 2026-01-20T18:00:00.000Z", "on 2026-01-20T18:00:00.000Z"),
        ("12 of 345", "12 of 345"),
        ("@ @@ a@", "@ @@ a@"),
        ('{"email": {"S": "x"}, "n": 1', '{"email":"[redacted]", "n": 1'),
        ('{"email": "x", "n": 1', '{"email":"[redacted]", "n": 1'),
        ('{"EMAIL" : "x\\"y", "n": 1', '{"EMAIL" :"[redacted]", "n": 1'),
        ("{'messageBody': {'S': 'x'}, 'n': 1", "{'messageBody':\"[redacted]\", 'n': 1"),
        ('{"messageBody": {"S": "Dear fan, soon', '{"messageBody":"[redacted]"'),
        ('{"messageBody": "Dear "fan", soon", "n": 1', '{"messageBody":"[redacted]", "n": 1'),
        ('{"messageBody": Dear fan, soon}', '{"messageBody":"[redacted]"}'),
        ('{"messageBody" {"S": "Dear fan"}, "n": 1}', '{"messageBody" "[redacted]", "n": 1}'),
        (
            r"{\"messageBody\": {\"S\": \"Dear \\\"fan\\\"\"}, \"n\": 1",
            r'{\"messageBody\":"[redacted]", \"n\": 1',
        ),
        ('{"contactMethod": {"S": "email"}, "n": 1', '{"contactMethod": {"S": "email"}, "n": 1'),
        ("email=x&n=1", 'email="[redacted]"'),
    ],
)
def test_d4_what_cannot_be_parsed_is_redacted_by_look(text, redacted):
    assert redact_bytes(text.encode()).decode() == redacted


def test_d4_base64_in_what_cannot_be_parsed_is_looked_into():
    event = fetched_record(raw("demand", "REMOVE", email="canary@mail.example"))[:-20]
    assert b"canary" not in b64decode(redact_bytes(event).split(b'"')[3] + b"==")


def test_d4_utf_16_is_seen_through():
    text = '{"messageBody": {"S": "canary"}, "n": 1}'
    for encoding in ("utf-16", "utf-16-be", "utf-16-le"):
        assert b"canary" not in redact_bytes(text.encode(encoding)).replace(b"\x00", b"")


def test_d4_bytes_that_are_not_utf_8_stay_as_they_are():
    assert redact_bytes(b"\xff a@b.example \xfe") == b"\xff [redacted] \xfe"


@pytest.mark.parametrize("at", ["@", "\\u0040"])
@pytest.mark.parametrize("escaped", ["\\u002b", "\\u002B", "\\u00e9", "\\u0027"])
def test_d4_an_address_with_an_escaped_letter_is_redacted_whole(escaped, at):
    text = f'{{"x": "canary{escaped}canary{at}canary{escaped}canary.example, and"'
    assert redact_bytes(text.encode()) == b'{"x": "[redacted], and"'


def test_d4_a_key_before_brackets_without_end_hides_all_behind_it():
    """Each bracket once looked back at all that stands before it."""
    text = "email:a" + "]x" * 1_000
    assert redact_bytes(text.encode()) == b'email:"[redacted]"'
    assert redact_event({"note": text}) == {"note": 'email:"[redacted]"'}
