"""Which waves an edit of templates, or of the campaign, would change, and what it does to them.
[X-5]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Q

from campaigns.models import Campaign
from tests.support.waves import NOTIFY, NOW, approve, campaign_with, person, request
from waves.choices import WaveState
from waves.models import Template, Wave
from waves.preparation.prepare import prepare
from waves.template_edits import (
    TemplateEdit,
    campaign_edited,
    listed,
    losing_approval,
    renew_waves,
    words_for,
)

pytestmark = pytest.mark.django_db


def approved(campaign: Campaign, key: str = "20260121", **values) -> Wave:
    wave = prepare(request(campaign, key, **values), by=person("ann"), now=NOW).wave
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)


def text_for(campaign: Campaign | None, **values) -> Template:
    return Template(**{"campaign": campaign, "channel": "sms", "body": "new {code}"} | values)


def losing(before: Template | None, after: Template | None) -> list[str]:
    return [wave.campaign.campaign_id for wave in losing_approval(TemplateEdit(before, after))]


def test_a_template_for_all_campaigns_changes_waves_of_all_the_next_due_first():
    later = campaign_with(4, {"west": 4})
    sooner, prepared_only = campaign_with(4, {"west": 4}), campaign_with(4, {"west": 4})
    approved(later, notify_date=NOTIFY + timedelta(days=1))
    approved(sooner)
    prepare(request(prepared_only), by=person("ann"), now=NOW)
    assert losing(None, text_for(None)) == [sooner.campaign_id, later.campaign_id]
    assert losing(None, text_for(later)) == [later.campaign_id]


def test_the_templates_of_all_waves_are_read_once(django_assert_num_queries):
    for _ in range(2):
        approved(campaign_with(4, {"west": 4}))
    with django_assert_num_queries(2):
        assert len(losing(None, text_for(None))) == 2


def test_a_template_that_a_closer_one_covers_changes_nothing():
    campaign = campaign_with(4, {"west": 4})
    Template.objects.create(campaign=campaign, channel="sms", body="ours {code}")
    approved(campaign)
    assert losing(None, text_for(None)) == []
    assert losing(None, text_for(campaign, language="fr")) == []


def test_a_template_that_moves_to_another_campaign_changes_the_waves_of_both():
    one, other = campaign_with(4, {"west": 4}), campaign_with(4, {"west": 4})
    template = Template.objects.create(campaign=one, channel="sms", body="ours {code}")
    approved(one)
    approved(other)
    moved = text_for(other, body=template.body)
    assert set(losing(template, moved)) == {one.campaign_id, other.campaign_id}
    assert losing(template, text_for(one, body=template.body)) == []


def test_waves_that_only_wait_for_approval_take_the_change_over_and_lose_nothing():
    campaign = campaign_with(4, {"west": 4})
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    text_for(campaign).save()
    assert renew_waves(Q(campaign=campaign), by=None, reason="x") == []
    renewed = Wave.objects.get(pk=wave.pk)
    assert renewed.content_digest != wave.content_digest
    assert renewed.state == WaveState.PREPARED


def test_a_campaign_that_is_renamed_says_which_waves_have_lost_their_approval():
    campaign = campaign_with(4, {"west": 4})
    wave = approved(campaign)
    assert campaign_edited(campaign.pk, person("carol")) == []
    Campaign.objects.filter(pk=campaign.pk).update(name="Another Tour")
    assert listed([wave]) == f"{wave.name} (approved, due 2026-01-21 18:00 UTC)"
    said = campaign_edited(campaign.pk, person("carol"))
    assert said == [f"These waves have lost their approval: {listed([wave])}."]
    wave.refresh_from_db()
    assert wave.state == WaveState.PREPARED
    assert wave.content["campaign"]["name"] == "Another Tour"


def test_a_template_in_words():
    campaign = campaign_with(0)
    market = campaign.markets.get(market_id="west")
    assert words_for(text_for(campaign, market=market)) == "SMS template for market West (en)"
    assert words_for(text_for(None, channel="email")) == "e-mail template for every market (en)"
