"""Texts that can be made, and say what a fan needs. [X-6, N-1]"""

from __future__ import annotations

from dataclasses import replace

import pytest

from waves.messages.content import PLACEHOLDERS, MessageTemplate, render
from waves.preflight.check import Color
from waves.preflight.texts import (
    Text,
    judge_content,
    judge_opt_out,
    judge_rendering,
    source_of,
)

VALUES = dict.fromkeys(PLACEHOLDERS, "x") | {"campaign": "Tour", "market": "Zürich’s"}
WHOLE = "{campaign} {wave_date} {code}"


def text(body: str = WHOLE, *, needs_code: bool = True, values=VALUES, **parts: str) -> Text:
    channel = "email" if parts else "sms"
    template = MessageTemplate(channel, body, **parts)
    return Text(channel, "West", "", 5, 1, needs_code, template, values, render(template, values))


def colors(*texts: Text) -> tuple[Color, str]:
    found = judge_content(texts)
    return found.ok, found.detail


def test_n1_a_text_without_the_code_is_red():
    assert colors(text("{campaign} {wave_date}")) == (
        Color.RED,
        "The SMS for market West does not name the access code. Add {code}.",
    )


@pytest.mark.parametrize(
    ("body", "html", "which"),
    [(WHOLE, "<p>{campaign} {wave_date}</p>", "HTML"), ("{campaign} {wave_date}", WHOLE, "text")],
)
def test_n1_an_email_names_the_code_in_text_and_html(body, html, which):
    color, detail = colors(text(body, html=html, subject="Hello"))
    assert color == Color.RED
    assert f"The e-mail for market West as {which} does not name" in detail
    assert colors(text(WHOLE, html=WHOLE, subject="Hello"))[0] == Color.GREEN


def test_n1_where_there_is_no_code_none_is_asked_for():
    assert colors(text("{campaign} {wave_date}", needs_code=False)) == (
        Color.GREEN,
        "All messages name campaign and wave date, and the access code where there is one.",
    )


@pytest.mark.parametrize("missing", ["campaign", "wave_date"])
def test_n1_a_text_without_campaign_or_wave_date_is_yellow(missing):
    color, detail = colors(text(WHOLE.replace(f"{{{missing}}}", "")))
    assert color == Color.YELLOW
    assert f"Add {{{missing}}}." in detail


def test_n1_the_subject_of_an_email_may_name_campaign_and_date():
    assert colors(text("{code}", subject="{campaign} on {wave_date}"))[0] == Color.GREEN


def test_x6_a_placeholder_that_is_empty_is_yellow():
    color, detail = colors(text(f"{WHOLE} {{artist}}", values=VALUES | {"artist": ""}))
    assert (color, detail) == (
        Color.YELLOW,
        "The SMS for market West names {artist}, which is empty here.",
    )


def test_x6_a_text_that_cannot_be_made_or_is_empty_is_red():
    broken = Text("sms", "West", "es", 5, 1, needs_code=True, problem="Unknown placeholder {x}.")
    assert judge_rendering([broken]).detail == (
        "The SMS for market West (es) cannot be made: Unknown placeholder {x}."
    )
    assert judge_rendering([text("{artist}", values=VALUES | {"artist": " "})]).ok == Color.RED
    assert "has no subject" in judge_rendering([text(WHOLE, html="<p>x</p>")]).detail
    assert judge_rendering([text(), text()]).detail == "All 10 messages can be made."


def test_x6_texts_of_many_markets_with_the_same_flaw_share_a_sentence():
    markets = ["West", "East", "VIP", "Canada", "Mexico", "Spain", "France", "Italy"]
    some = [replace(text("{code}"), market=market) for market in markets]
    only = replace(text("{code}"), market="West", language="es")
    said = "does not say how to opt out. Add: Reply STOP to opt out."
    assert judge_opt_out([*some[:2], only]).detail == (
        f"The SMS for markets East and West {said} The SMS for market West (es) {said}"
    )
    assert judge_opt_out(some).detail == (
        f"The SMS for markets Canada, East, France, Italy, Mexico, Spain and 2 more {said}"
    )


def test_x6_a_character_comes_from_a_value_or_from_the_template():
    assert source_of("’", text("{market} {code}")) == "the market's name"
    assert source_of("’", text("’ {code}")) == "the template"
    assert source_of("’", text("’ {market} {code}")) == "the template"


@pytest.mark.parametrize(
    "body", ["{code}. Reply STOP to opt out.", "{code}. Text stop to opt out."]
)
def test_n8_an_sms_that_says_stop_is_green(body):
    found = judge_opt_out([text(body)])
    assert (found.ok, found.detail) == (Color.GREEN, "Every SMS says how to opt out.")


def test_n8_an_sms_that_does_not_say_how_to_opt_out_is_yellow_and_an_email_need_not():
    found = judge_opt_out([text("{code}, non-stopping"), text("{code}", subject="Hello")])
    assert (found.ok, found.detail) == (
        Color.YELLOW,
        "The SMS for market West does not say how to opt out. Add: Reply STOP to opt out.",
    )
