"""Templates and placeholders. [N-1, K-3]"""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waves.choices import Channel
from waves.errors import BadTemplate
from waves.messages.content import (
    DEFAULTS,
    DEFAULTS_WITHOUT_CODE,
    PLACEHOLDERS,
    MessageTemplate,
    check_template,
    choose,
    placeholders,
    render,
    wave_values,
)

VALUES = {name: f"<{name}>" for name in PLACEHOLDERS}


def sms(body: str, **fields) -> MessageTemplate:
    return MessageTemplate(Channel.SMS, body, **fields)


def test_every_placeholder_of_the_list_may_be_used():
    text = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    assert placeholders(text) == set(PLACEHOLDERS)
    assert render(sms(text), VALUES).body == " ".join(VALUES.values())


@pytest.mark.parametrize(
    "text",
    ["{name}", "{}", "{0}", "{code.__class__}", "{code[0]}", "{code!r}", "{code:>9}", "{ code }"],
)
def test_an_unknown_placeholder_is_refused(text):
    with pytest.raises(BadTemplate, match="Unknown placeholder"):
        placeholders(text)


@pytest.mark.parametrize("text", ["{code", "code}", "{", "}"])
def test_a_brace_that_stands_alone_is_refused(text):
    with pytest.raises(BadTemplate, match="brace"):
        placeholders(text)


@given(st.text(string.printable))
def test_a_text_that_passes_the_check_can_be_rendered(text):
    try:
        check_template(sms(text))
    except BadTemplate:
        return
    render(sms(text), VALUES)


def test_doubled_braces_are_braces():
    assert render(sms("{{code}} {code}"), VALUES).body == "{code} <code>"


def test_values_are_escaped_in_html_only():
    template = MessageTemplate(
        Channel.EMAIL, "{market}", subject="{market}", html="<b>{market}</b>"
    )
    message = render(template, VALUES | {"market": 'A & "B"'})
    assert (message.body, message.subject) == ('A & "B"', 'A & "B"')
    assert message.html == "<b>A &amp; &quot;B&quot;</b>"


def test_a_subject_is_one_line_whatever_a_name_holds():
    template = MessageTemplate(Channel.EMAIL, "x", subject="For {artist}")
    assert (
        render(template, VALUES | {"artist": "A\r\nBcc: b@example.com"}).subject
        == "For A Bcc: b@example.com"
    )


def test_the_markets_own_template_comes_before_the_general_one_and_the_default_last():
    general, own = sms("general"), sms("own", market_id="west")
    assert choose([general, own], Channel.SMS, "west") is own
    assert choose([general, own], Channel.SMS, "east") is general
    assert choose([own], Channel.SMS, "east") == DEFAULTS[0]
    assert choose([general], Channel.EMAIL, "east").channel == Channel.EMAIL


def test_the_fans_language_comes_before_english():
    english, german = sms("hello", market_id="west"), sms("hallo", language="de")
    assert choose([english, german], Channel.SMS, "west", language="de") is german
    assert choose([english, german], Channel.SMS, "west", language="fr") is english


def test_k3_a_template_for_tm_must_not_name_the_code():
    with pytest.raises(BadTemplate, match="TM"):
        check_template(sms("Your code is {code}"), has_code=False)
    for template in DEFAULTS_WITHOUT_CODE:
        check_template(template, has_code=False)


def test_the_defaults_name_the_code_and_can_be_rendered():
    for template in DEFAULTS:
        check_template(template)
        assert "<code>" in render(template, VALUES).body


def test_days_are_those_of_the_campaigns_time_zone():
    values = wave_values(
        campaign="Tour",
        artist="",
        notify_date=datetime(2026, 1, 20, 2, tzinfo=UTC),
        time_zone="America/New_York",
    )
    assert values["wave_date"] == "19 January 2026"
    assert (values["valid_from"], values["valid_until"]) == ("18 January 2026", "19 January 2027")


def test_k2_messages_name_the_end_by_the_campaigns_clocks():
    notify_date = datetime(2028, 2, 29, 2, tzinfo=UTC)  # 28 February in New York
    common = {"campaign": "Tour", "artist": "", "notify_date": notify_date}
    there = wave_values(**common, time_zone="America/New_York")
    assert (there["valid_from"], there["valid_until"]) == ("27 February 2028", "28 February 2029")
    assert wave_values(**common, time_zone="UTC")["valid_until"] == "28 February 2029"
    leap_day = common | {"notify_date": datetime(2028, 3, 1, 2, tzinfo=UTC)}
    assert wave_values(**leap_day, time_zone="UTC")["valid_until"] == "1 March 2029"
    assert wave_values(**leap_day, time_zone="America/New_York")["valid_until"] == (
        "28 February 2029"
    )
