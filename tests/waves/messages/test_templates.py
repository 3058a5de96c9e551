"""A campaign's templates: loaded, refused, chosen for a wave. [N-1, K-3]"""

from __future__ import annotations

import polars as pl
import pytest

from tests.support.waves import NOW, campaign_with
from waves.errors import BadTemplate
from waves.markets import MarketSeat
from waves.messages import templates
from waves.models import Template

pytestmark = pytest.mark.django_db


def seats(**sources: str) -> list[MarketSeat]:
    return [MarketSeat(market, market, 1, NOW, 0, source) for market, source in sources.items()]


def test_templates_are_loaded_and_loading_again_replaces_them():
    campaign = campaign_with(0)
    document = {
        "channel": "sms",
        "market_id": None,
        "language": "en",
        "body": "{campaign}: your code is {code}",
    }
    assert (
        templates.load(
            campaign,
            [document, {"channel": "email", "market_id": "west", "body": "x", "subject": "y"}],
        )
        == 2
    )
    templates.load(campaign, [document | {"body": "now {code}"}])
    assert set(Template.objects.values_list("channel", "body", "market__market_id")) == {
        ("sms", "now {code}", None),
        ("email", "x", "west"),
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"channel": "sms", "body": "{nobody}"}, "Unknown placeholder"),
        ({"channel": "email", "body": "x", "html": "{fan_ref"}, "brace"),
        ({"channel": "fax", "body": "x"}, "'fax'"),
        ({"channel": "sms", "body": "x", "market_id": "north"}, "no market 'north'"),
        ({"channel": "sms"}, "channel and body"),
        ({"channel": "sms", "body": "x", "colour": "red"}, "channel and body"),
        ("text", "channel and body"),
        ({"channel": ["sms"], "body": "x"}, "Template 1, channel: a list is unknown"),
        ({"channel": "sms", "body": None}, "Template 1, body: write a text"),
        ({"channel": "sms", "body": "x\0"}, "Template 1, body: the text contains a NUL"),
        ({"channel": "sms", "body": "x", "market_id": ["west"]}, "market_id: write a text"),
        ({"channel": "sms", "body": "x", "market_id": ""}, "no market ''"),
        ({"channel": "sms", "body": "x", "language": "x" * 99}, "language: .* At most 10"),
        ({"channel": "email", "body": "x", "subject": "s" * 999}, "subject: .* At most 200"),
        ({"channel": "email", "body": "x", "html": 5}, "html: write a text"),
    ],
)
def test_what_is_no_template_is_refused(document, message):
    with pytest.raises(BadTemplate, match=message):
        templates.load(campaign_with(0), [document])


def test_a_list_is_expected():
    with pytest.raises(BadTemplate, match="list"):
        templates.load(campaign_with(0), {"sms": "x"})


def test_each_market_and_channel_of_a_wave_has_one_text():
    campaign = campaign_with(0)
    templates.load(
        campaign,
        [
            {"channel": "sms", "body": "all {code}"},
            {"channel": "sms", "market_id": "east", "body": "east"},
        ],
    )
    Template.objects.create(campaign=None, channel="sms", body="for every campaign")
    chosen = templates.chosen_for(seats(west="own", east="own"), templates.of_campaign(campaign))
    assert {(c["market_id"], c["channel"]): c["body"] for c in chosen if c["channel"] == "sms"} == {
        ("west", "sms"): "all {code}",
        ("east", "sms"): "east",
    }
    assert len(chosen) == 4


def test_w7_only_texts_that_reach_a_member_are_wanted():
    members = pl.DataFrame(
        {
            "market_id": ["west", "west", "east", "north"],
            "phone": ["+12065550100", "", "", ""],
            "email": ["", "", "a@mail.example", ""],
        }
    )
    assert templates.texts_for(members) == {("west", "sms"), ("east", "email")}


def test_a_template_of_all_campaigns_comes_before_the_default():
    Template.objects.create(campaign=None, channel="sms", body="ours {code}")
    chosen = templates.chosen_for(seats(west="own"), templates.of_campaign(campaign_with(0)))
    assert [c["body"] for c in chosen if c["channel"] == "sms"] == ["ours {code}"]


def test_k3_tm_has_defaults_that_name_no_code():
    chosen = templates.chosen_for(seats(west="tm"), templates.of_campaign(campaign_with(0)))
    assert not any("{code}" in c["body"] + c["html"] + c["subject"] for c in chosen)
