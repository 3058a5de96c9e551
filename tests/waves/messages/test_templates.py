"""A campaign's templates: loaded, refused, chosen for a wave. [N-1, K-3]"""

from __future__ import annotations

from contextlib import nullcontext

import polars as pl
import pytest

from tests.support.waves import NOW, campaign_with
from waves.choices import Channel
from waves.errors import BadTemplate
from waves.markets import MarketSeat
from waves.messages import templates
from waves.messages.choosing import Text
from waves.models import Template, Wave

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
        ({"channel": "sms", "body": "x", "audience": "all"}, "audience: 'all' is unknown"),
        (["body"], "channel and body"),
        ({"channel": "sms", "body": "x", "market_id": "north"}, "no market 'north'"),
        ({"channel": "sms"}, "channel and body"),
        ({"channel": "sms", "body": "x", "colour": "red"}, "channel and body"),
        ("text", "channel and body"),
        ({"channel": ["sms"], "body": "x"}, "Template 1, channel: a list is unknown"),
        ({"channel": "sms", "body": None}, "Template 1, body: write a text"),
        ({"channel": "sms", "body": "x\0"}, "Template 1, body: the text contains a NUL"),
        ({"channel": "sms", "body": "x", "market_id": ["west"]}, "market_id: write a text"),
        ({"channel": "sms", "body": "x", "market_id": ""}, "no market ''"),
        ({"channel": "sms", "body": "x", "language": "x" * 99}, "language: .* is not a language"),
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
    texts = [
        Text(market, channel, "", True) for market in ("west", "east") for channel in Channel.values
    ]
    chosen = templates.templates_for(campaign).chosen_for(texts)
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
            "code": ["TM", "A", "A", "A"],
            "language": ["", "", "fr", ""],
        }
    )
    texts = templates.texts_for(members)
    assert texts == {("west", "sms", "", False), ("east", "email", "fr", True)}
    kept = templates.live_content(Wave(campaign=campaign_with(0), notify_date=NOW), texts)
    assert templates.texts_in(kept) == texts


def test_a_template_of_all_campaigns_comes_before_the_default():
    Template.objects.create(campaign=None, channel="sms", body="ours {code}")
    found = templates.templates_for(campaign_with(0))
    assert found.choose(Text("west", "sms", "", True)).body == "ours {code}"


def test_n1_the_campaigns_default_language_is_chosen_where_the_fan_has_none():
    campaign = campaign_with(0, default_language="fr")
    templates.load(campaign, [{"channel": "sms", "body": "bonjour {code}"}])
    Template.objects.create(campaign=campaign, channel="sms", body="hello {code}")
    assert Template.objects.filter(language="fr", body="bonjour {code}").exists()
    found = templates.templates_for(campaign)
    assert found.choose(Text("west", "sms", "de", True)).body == "bonjour {code}"


@pytest.mark.parametrize(("source", "refused"), [("own", False), ("tm", True), ("own|tm", True)])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_k3_a_template_that_names_the_code_is_refused_before_the_work_where_tm_is_in_it(
    source, refused, language
):
    campaign = campaign_with(0)
    Template.objects.create(campaign=campaign, channel="sms", body="{code}", language=language)
    found = templates.templates_for(campaign)
    with pytest.raises(BadTemplate, match="TM") if refused else nullcontext():
        templates.require_usable(found, seats(west=source))
