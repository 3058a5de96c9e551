"""The text for each member, from the wave's own snapshot of templates. [N-1, X-5, K-3]"""

from __future__ import annotations

import html
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from campaigns.draw import Draw
from campaigns.models import Campaign
from campaigns.receipts import Receipt, Receipts
from operations.correlation import correlated
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.messages.choosing import Templates, Text
from waves.messages.content import MessageTemplate
from waves.messages.rendering import Composer, Recipient
from waves.models import Wave
from waves.providers.contract import About

DRAW = Draw("tour", bytes(32), bytes(range(32)))
FAN = Recipient("west", "fan-1", "ABC234")


def template(channel: str, body: str, **fields: Any) -> MessageTemplate:
    return MessageTemplate(channel, body, **fields)


def wave_with(*templates: MessageTemplate, languages: tuple[str, ...] = ("",)) -> Wave:
    """Unchecked, so that the sender's own check is seen."""
    kinds = product(("west", "east"), Channel.values, languages, (True, False))
    texts = {text: Templates(templates).choose(text) for text in map(Text._make, kinds)}
    kept = [
        asdict(chosen)
        | {"market_id": text.market_id, "with_code": text.has_code, "languages": [text.language]}
        for text, chosen in texts.items()
    ]
    campaign = {"name": "Tour & Co", "artist": "Luna", "time_zone": "America/New_York"}
    content = {"campaign": campaign, "templates": kept}
    return Wave(notify_date=datetime(2026, 1, 21, 3, tzinfo=UTC), content=content)


def composer(
    *templates: MessageTemplate, draw: Draw | None = DRAW, languages: tuple[str, ...] = ("",)
) -> Composer:
    receipts = Receipts(draw, "https://presale.example") if draw else None
    wave = wave_with(*templates, languages=languages)
    return Composer(wave, {"west": "US West"}, receipts.of if receipts else None)


def test_n1_an_sms_names_campaign_market_code_and_the_campaigns_day():
    sms = composer(template("sms", "{campaign}/{market}/{code}/{wave_date}")).sms(FAN)
    assert sms == "Tour & Co/US West/ABC234/January 20, 2026"


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

    wave = wave_with(template("email", "{code}", subject="s"))
    assert Composer(wave, {}, never).email(FAN).body == "ABC234"


@pytest.mark.parametrize("code", ["", "TM"])
def test_k3_a_text_that_names_the_code_is_refused_for_who_has_none(code):
    with pytest.raises(BadTemplate, match="members with TM stock have no code"):
        composer(template("sms", "{code}")).sms(Recipient("west", "fan-1", code))


def test_n1_each_fan_reads_the_text_and_the_dates_of_their_language():
    both = composer(
        template("sms", "From {wave_date}"),
        template("sms", "Dès le {wave_date}", language="fr"),
        languages=("", "de", "fr-CA"),
    )
    assert both.sms(replace(FAN, language="fr-CA")) == "Dès le 20 janvier 2026"
    assert both.sms(replace(FAN, language="de")) == both.sms(FAN) == "From January 20, 2026"


def test_x5_a_fan_for_whom_nothing_was_approved_gets_nothing():
    with pytest.raises(BadTemplate, match="no text"):
        composer().sms(replace(FAN, language="fr"))


def test_n1_what_a_message_belongs_to_is_named_beside_it():
    wave = wave_with()
    wave.name, wave.campaign = "tour_20260120", Campaign(campaign_id="tour")
    with correlated("job-00001234"):
        about = Composer(wave, {}, None).about(FAN)
    assert about == About("tour", "tour_20260120", "2026-01-20", "west", "job-00001234")
