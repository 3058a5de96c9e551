"""A draft as a fan would read it. [N-1]"""

from __future__ import annotations

import pytest

from campaigns.models import Registrant
from tests.support.waves import NOW, campaign_with, person, request
from waves.choices import Audience, Channel
from waves.messages.content import MessageTemplate
from waves.messages.preview import TEST_CODE, marked_message, preview
from waves.models import Member
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db
SMS = MessageTemplate(Channel.SMS, "{campaign} {market} {code} {fan_ref}")


def test_a_member_of_the_newest_wave_reads_it_with_their_own_code():
    campaign = campaign_with(12)
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    west = campaign.markets.get(market_id="west")
    first = Member.objects.filter(wave=wave, market=west).order_by("place").first()
    shown = preview(SMS, campaign, west, hidden=False)
    assert (shown.fan.global_user_id, shown.fan.contact) == (first.global_user_id, first.phone)
    assert shown.message.body.startswith(f"Spring Tour West {first.code} ")
    masked = preview(SMS, campaign, west, hidden=True)
    assert masked.segments == shown.segments
    for secret in (first.code, first.phone, shown.message.body[-64:]):
        assert secret not in masked.message.body + masked.fan.contact + masked.fan.code


def test_a_fan_of_the_language_comes_before_others():
    campaign = campaign_with(3)
    Registrant.objects.filter(email="fan2@example.com").update(language="pt-BR")
    draft = MessageTemplate(Channel.EMAIL, "x", subject="y", language="pt")
    west = campaign.markets.first()
    assert preview(draft, campaign, west, hidden=False).fan.contact == "fan2@example.com"


def test_before_anybody_registered_an_example_fan_reads_it():
    campaign = campaign_with(0)
    shown = preview(SMS, campaign, campaign.markets.first(), hidden=True)
    assert (shown.fan.global_user_id, shown.fan.contact) == ("", "")
    assert "A7KX29QWER" in shown.message.body


def test_the_market_with_the_longest_sms_is_named():
    campaign = campaign_with(0)
    campaign.markets.filter(market_id="east").update(name="E" * 150)
    west = campaign.markets.get(market_id="west")
    body = "{campaign} {code} {market}"
    shown = preview(MessageTemplate(Channel.SMS, body), campaign, west, hidden=True)
    assert (shown.segments.count, shown.longest) == (1, ("E" * 150, 2))


def test_x8_fans_who_were_not_selected_have_neither_market_nor_code():
    campaign = campaign_with(2)
    draft = MessageTemplate(Channel.SMS, "{campaign}", audience=Audience.NOT_SELECTED)
    shown = preview(draft, campaign, None, hidden=False)
    assert (shown.message.body, shown.fan.code) == ("Spring Tour", "")


def test_a_marked_message_names_no_fan_and_no_real_code():
    campaign = campaign_with(2)
    draft = MessageTemplate(Channel.SMS, "{code} {fan_ref} {entry_link}")
    body = marked_message(draft, campaign, campaign.markets.first()).body
    assert body.split()[:2] == [TEST_CODE, TEST_CODE]
    assert body.endswith(f"/draws/{campaign.campaign_id}/check#{TEST_CODE}")
