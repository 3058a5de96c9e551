"""Whose traces an erasure looks for. [X-11]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake.erased.erasing import Sought, refuse_while
from datalake.errors import EraseLater

ME = Sought("fan-7", 1).with_contacts(["me@mail.example", "+12065550177", "", None])


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("fan-7", "[erased]"),
        ("of FAN-7, who", "of [erased], who"),
        ("<me@mail.example>", "<[erased]>"),
        ("call +12065550177.", "call [erased]."),
        ("a_fan-7 fan-77 fan-7-b some@mail.example xme@mail.example", None),
    ],
)
def test_x11_an_id_or_a_contact_is_found_as_a_word_and_in_nothing_longer(text, without):
    assert ME.taken_out(text) == (without or text)
    assert ME.named_in(text) == (without is not None)


def test_x11_placeholders_that_services_send_as_member_ids_are_nobodys_words():
    me = ME.with_contacts(["0", "10", "2026", "undefined", "M-0000017"])
    assert me.contacts == ME.contacts | {"M-0000017"}
    assert me.taken_out('{"rows": 10, "at": "2026-01-10"}') == '{"rows": 10, "at": "2026-01-10"}'


def test_x11_who_is_at_work_is_waited_for_in_words():
    refuse_while(held=False, why="busy")
    with pytest.raises(EraseLater, match="busy") as refused:
        refuse_while(held=True, why="busy")
    assert refused.value.is_transient


def test_x11_what_the_fan_does_after_the_erasure_was_asked_for_is_new():
    asked_for = datetime(2026, 1, 5, 10, 0, 0, 500, tzinfo=UTC)
    me = Sought(
        "fan-7", 1, asked_for=asked_for, is_of_row=lambda record: record.get("dedupeHash") == "a1"
    )

    def registered(created: str, **values: str) -> dict:
        return {"type": "registration", "date": {"created": created}} | values

    assert me.keeps(registered("2026-01-05T10:00:00.001Z"))
    assert not me.keeps(registered("2026-01-05T10:00:00.000Z"))
    assert not me.keeps(registered("2199-01-01T00:00:00.000Z")), "it may have been there before"
    assert not me.keeps(registered("2026-02-01T00:00:00.000Z", type="scoring"))
    assert me.keeps(registered("2026-02-01T00:00:00.000Z", type="scoring", dedupeHash="a1"))
    assert not ME.keeps(registered("2026-02-01T00:00:00.000Z"))
