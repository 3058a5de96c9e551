"""The text for each member, from the wave's own snapshot of templates. [N-1, X-5, K-3]"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.draw import Draw
from campaigns.receipts import Receipt, Receipts
from waves.errors import BadTemplate
from waves.messages.rendering import Composer, Recipient, templates_of
from waves.models import Wave

DRAW = Draw("tour", bytes(32), bytes(range(32)))
FAN = Recipient("west", "fan-1", "ABC234")


def template(channel: str, body: str, **fields: Any) -> dict[str, Any]:
    return {"channel": channel, "market_id": None, "language": "en", "body": body, **fields}


def composer(*templates: dict[str, Any], draw: Draw | None = DRAW) -> Composer:
    content = {
        "campaign": {"name": "Tour & Co", "artist": "Luna", "time_zone": "America/New_York"},
        "templates": list(templates),
    }
    wave = Wave(notify_date=datetime(2026, 1, 21, 3, tzinfo=UTC), content=content)
    receipts = Receipts(draw, "https://presale.example") if draw else None
    return Composer(wave, {"west": "US West"}, receipts.of if receipts else None)


def test_n1_an_sms_names_campaign_market_code_and_the_campaigns_day():
    sms = composer(template("sms", "{campaign}/{market}/{code}/{wave_date}")).sms(FAN)
    assert sms == "Tour & Co/US West/ABC234/20 January 2026"


def test_n1_a_market_without_a_name_is_named_by_its_id():
    assert composer(template("sms", "{market}")).sms(Recipient("east", "fan-1", "A")) == "east"


def test_n1_values_are_escaped_in_the_html_of_an_e_mail_alone():
    message = composer(
        template("email", "{campaign}", subject="{campaign}", html="<b>{campaign}</b>")
    ).email(FAN)
    assert (message.subject, message.body) == ("Tour & Co", "Tour & Co")
    assert message.html == "<b>Tour &amp; Co</b>"


def test_n1_the_reference_is_the_draws_and_empty_without_one():
    named = template("sms", "{fan_ref}")
    assert composer(named).sms(FAN) == DRAW.fan_ref("fan-1")
    assert composer(named, draw=None).sms(FAN) == ""


def test_n1_the_link_to_ones_own_entry_is_in_both_forms_of_the_built_in_e_mail():
    link = Receipts(DRAW, "https://presale.example").of("fan-1").link
    for code in ("ABC234", "TM"):
        message = composer().email(Recipient("west", "fan-1", code))
        assert link in message.body.splitlines()
        assert f'<a href="{html.escape(link)}" clicktracking="off"' in message.html
        assert "{" not in message.body + message.html


def test_n1_the_built_in_sms_has_no_link():
    assert "/draws/" not in composer().sms(FAN)


def test_n1_nothing_is_computed_of_a_fan_whom_the_text_does_not_name():
    def never(fan: str) -> Receipt:
        raise AssertionError(fan)

    content = {
        "campaign": {"name": "Tour", "artist": "", "time_zone": "UTC"},
        "templates": [template("email", "{code}", subject="s", html="")],
    }
    wave = Wave(notify_date=datetime(2026, 1, 21, 3, tzinfo=UTC), content=content)
    assert Composer(wave, {}, never).email(FAN).body == "ABC234"


@pytest.mark.parametrize("code", ["", "TM"])
def test_k3_a_text_that_names_the_code_is_refused_for_who_has_none(code):
    with pytest.raises(BadTemplate, match="members with TM stock have no code"):
        composer(template("sms", "{code}")).sms(Recipient("west", "fan-1", code))


def test_x5_only_what_the_snapshot_says_is_a_template():
    wave = Wave(content={"templates": [template("sms", "hello", added_later="x")]})
    assert [found.body for found in templates_of(wave)] == ["hello"]
