"""Templates and placeholders. [N-1, K-3]"""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waves.choices import Audience, Channel
from waves.errors import BadTemplate
from waves.messages.content import (
    PLACEHOLDERS,
    MessageTemplate,
    check_template,
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


@pytest.mark.parametrize("part", ["subject", "html"])
def test_an_unknown_placeholder_is_refused_in_every_part_of_an_e_mail(part):
    """N-1"""
    with pytest.raises(BadTemplate, match="Unknown placeholder"):
        check_template(MessageTemplate(Channel.EMAIL, "x", **{part: "{name}"}))


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


def test_k3_a_template_for_tm_must_not_name_the_code():
    with pytest.raises(BadTemplate, match="TM"):
        check_template(sms("Your code is {code}"), has_code=False)


def test_k3_a_text_for_fans_without_a_code_must_not_name_it():
    with pytest.raises(BadTemplate, match="TM"):
        check_template(sms("{code}", audience=Audience.WITHOUT_CODE))


def test_x8_a_text_for_fans_who_were_not_selected_names_nothing_that_they_do_not_have():
    for name in ("market", "code", "valid_from", "valid_until"):
        template = sms(f"{{{name}}}", audience=Audience.NOT_SELECTED)
        with pytest.raises(BadTemplate, match=f"not selected, who have no {{{name}}}"):
            check_template(template, has_code=False)


def days(language: str) -> tuple[str, str, str]:
    values = wave_values(
        campaign="Tour",
        artist="",
        notify_date=datetime(2026, 1, 20, 2, tzinfo=UTC),
        time_zone="America/New_York",
        language=language,
    )
    return values["wave_date"], values["valid_from"], values["valid_until"]


def test_days_are_those_of_the_campaigns_time_zone():
    assert days("en") == ("January 19, 2026", "January 18, 2026", "January 19, 2027")


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en-GB", "19 January 2026"),
        ("pt-BR", "19 de janeiro de 2026"),
        ("de-AQ", "19. Januar 2026"),
        ("xx", "January 19, 2026"),
        ("x-own", "January 19, 2026"),
    ],
)
def test_n1_days_are_written_in_the_language_of_the_text_or_the_closest_that_is_known(
    language, day
):
    assert days(language)[0] == day


def test_k2_messages_name_the_end_by_the_campaigns_clocks():
    notify_date = datetime(2028, 2, 29, 2, tzinfo=UTC)  # 28 February in New York
    common = {"campaign": "Tour", "artist": "", "notify_date": notify_date}
    there = wave_values(**common, time_zone="America/New_York")
    assert (there["valid_from"], there["valid_until"]) == ("February 27, 2028", "February 28, 2029")
    assert wave_values(**common, time_zone="UTC")["valid_until"] == "February 28, 2029"
    leap_day = common | {"notify_date": datetime(2028, 3, 1, 2, tzinfo=UTC)}
    assert wave_values(**leap_day, time_zone="UTC")["valid_until"] == "March 1, 2029"
    assert wave_values(**leap_day, time_zone="America/New_York")["valid_until"] == (
        "February 28, 2029"
    )
