"""A campaign's JSON file: created once, updated after, refused as a whole. [C-1, C-2, C-3, S-8]"""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import loading
from campaigns.errors import (
    BadCampaignFile,
    DrawIsLocked,
    ListEntryInvalid,
    RuleChangeRefused,
    WrongStatus,
)
from campaigns.models import Campaign, ListEntry, Market, RuleChange
from campaigns.opening import close_campaign
from operations.models import StatusChange
from tests.support.campaigns import SALT, SEED

pytestmark = pytest.mark.django_db

MARKET = {
    "market_id": "west",
    "name": "West",
    "capacity": 5000,
    "selection_time": "2026-01-18T12:00:00Z",
    "event_ids": ["E1"],
    "time_zone": "America/Los_Angeles",
}
DOCUMENT = {
    "campaign_id": "12345",
    "name": "Spring Tour",
    "status": "open",
    "registration_opens": "2026-01-01T00:00:00Z",
    "registration_closes": "2026-01-15T00:00:00+01:00",
    "time_zone": "Europe/Berlin",
    "home_countries": ["DE"],
    "markets": [MARKET],
    "blacklist": ["bad@example.com", "@*.spam.example"],
    "whitelist": ["vip*@bad.example"],
    "disposable_domains": ["throw.example"],
    "draw": {"seed": SEED.hex(), "salt": SALT.hex()},
}
COUNTRIES = "home_countries: write a list of two-letter codes"


def document(**changes: object) -> dict:
    return {
        name: value
        for name, value in (copy.deepcopy(DOCUMENT) | changes).items()
        if value is not ...
    }


def market(**changes: object) -> dict:
    return document(
        markets=[{name: value for name, value in (MARKET | changes).items() if value is not ...}]
    )


def nested(depth: int) -> list:
    return [nested(depth - 1)] if depth else []


def test_id_and_name_are_enough_and_the_rest_has_defaults():
    """[C-1]"""
    campaign = loading.load({"campaign_id": "a-1", "name": "Tour"}).campaign
    campaign.refresh_from_db()
    assert (
        campaign.status,
        campaign.home_countries,
        campaign.min_score,
        campaign.max_fans_per_contact,
    ) == (
        "draft",
        ["US"],
        0.22,
        0,
    )
    assert (
        campaign.allow_intl_phones,
        campaign.require_confirmed_phone,
        campaign.scoring_type,
    ) == (False, False, "linear")
    assert (campaign.code_source, campaign.notify_channels, campaign.commitment) == (
        "own",
        "both",
        "",
    )


def test_a_whole_campaign_is_loaded_and_opened_with_the_draw_it_gives():
    campaign = loading.load(document()).campaign
    assert (
        campaign.status,
        campaign.draw_supplied,
        bytes(campaign.seed),
        bytes(campaign.salt),
    ) == ("open", True, SEED, SALT)
    west = Market.objects.get()
    assert (west.market_id, west.capacity, west.position, west.event_ids) == (
        "west",
        5000,
        0,
        ["E1"],
    )
    assert west.selection_time == datetime(2026, 1, 18, 12, tzinfo=UTC)
    assert west.time_zone == "America/Los_Angeles"
    assert set(ListEntry.objects.values_list("kind", "pattern")) == {
        ("blacklist", "bad@example.com"),
        ("blacklist", "@*.spam.example"),
        ("whitelist", "vip*@bad.example"),
        ("disposable", "throw.example"),
    }


def test_loading_twice_changes_nothing():
    first = loading.load(document())
    second = loading.load(document())
    assert second.campaign == first.campaign
    assert second.warnings == []
    assert (Campaign.objects.count(), Market.objects.count(), ListEntry.objects.count()) == (
        1,
        1,
        4,
    )


def test_entries_that_the_file_still_has_stay_as_they_are():
    """S-4"""
    loading.load(document())
    ListEntry.objects.filter(kind="blacklist").update(note="from the venue")
    stay = ListEntry.objects.get(pattern="bad@example.com")
    loading.load(document(blacklist=["bad@example.com", "new@example.com"]))
    assert set(ListEntry.objects.filter(kind="blacklist").values_list("pattern", "note")) == {
        ("bad@example.com", "from the venue"),
        ("new@example.com", ""),
    }
    assert ListEntry.objects.get(pattern="bad@example.com").created_at == stay.created_at
    told = StatusChange.objects.filter(from_state="blacklist").order_by("id")
    assert list(told.values_list("to_state", "reason")) == [
        ("deleted", "1 entry"),
        ("added", "1 entry"),
    ]


def test_loading_again_updates_what_the_file_names_but_never_the_draw():
    """[S-8]"""
    loading.load(document())
    changed = document(
        name="Summer Tour",
        status="draft",
        draw={"seed": SALT.hex(), "salt": SEED.hex()},
        markets=[MARKET | {"capacity": 7}, MARKET | {"market_id": "east"}],
        blacklist=["other@example.com"],
        whitelist=...,
    )
    loaded = loading.load(changed, reason="more seats")
    loaded.campaign.refresh_from_db()
    assert (loaded.campaign.name, loaded.campaign.status, bytes(loaded.campaign.seed)) == (
        "Summer Tour",
        "open",
        SEED,
    )
    assert [warning.split(":")[0] for warning in loaded.warnings] == ["draw", "status"]
    assert dict(Market.objects.values_list("market_id", "capacity")) == {"west": 7, "east": 5000}
    patterns = set(ListEntry.objects.values_list("pattern", flat=True))
    assert patterns == {"other@example.com", "vip*@bad.example", "throw.example"}


def test_rules_of_an_open_campaign_are_loaded_with_a_reason_and_listed():
    """S-16"""
    loading.load(document())
    changed = document(min_score=0.4, name="Summer Tour")
    with pytest.raises(RuleChangeRefused, match="Enter a reason"):
        loading.load(changed)
    assert Campaign.objects.get().name == "Spring Tour"
    loading.load(changed, reason="the promoter asked")
    assert set(RuleChange.objects.values_list("option", "after", "judges", "reason")) == {
        ("minimum score", "0.4", True, "the promoter asked"),
        ("name", "Summer Tour", False, "the promoter asked"),
    }


def test_c2_a_campaign_without_markets_is_not_opened_by_its_file_and_nothing_is_kept():
    with pytest.raises(WrongStatus, match="has no markets"):
        loading.load(document(markets=[]))
    assert not Campaign.objects.exists()
    assert loading.load(document(markets=[], status="draft")).campaign.status == "draft"


def test_loading_writes_what_the_file_changes_and_no_other_column():
    """S-16"""
    loading.load(document())
    with CaptureQueriesContext(connection) as queries:
        loading.load(document(name="Summer Tour"))
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(updates) == 1
    assert updates[0].startswith('UPDATE "campaigns_campaign" SET "name" = ')
    assert "status" not in updates[0]


def test_the_source_of_an_open_campaigns_public_value_cannot_change():
    """[S-8]"""
    loading.load(document(entropy_source="drand round 5551234"))
    with pytest.raises(DrawIsLocked):
        loading.load(document(entropy_source="drand round 5551235"))


def test_a_closed_campaign_is_only_read():
    """[C-2]"""
    close_campaign(loading.load(document()).campaign.pk, by=None)
    with pytest.raises(WrongStatus):
        loading.load(document())


@pytest.mark.parametrize(
    ("home_countries", "named"),
    [
        (["GB"], "GG"),
        (["GB", "GG", "JE"], "IM"),
        (["GB", "GG", "JE", "IM"], ""),
        (["DE"], ""),
        (["FR", "NO"], "SJ"),
    ],
    ids=lambda value: "-".join(value),
)
def test_countries_that_share_a_calling_code_with_others_are_warned_of(home_countries, named):
    """[C-1]"""
    warnings = loading.load(document(home_countries=home_countries)).warnings
    assert bool(warnings) == bool(named)
    assert named in " ".join(warnings)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([], "one JSON object"),
        (document(campaign_id=...), "is missing campaign_id"),
        (document(name=""), "is missing name"),
        (document(campaign_id=12345), "Put them in quotes"),
        (document(campaign_id="a b"), "campaign_id"),
        (document(campaign_id="a" * 41), "campaign_id"),
        (document(color="red"), "unknown keys: color"),
        (document(code_prefix=" A,"), "code_prefix: Use at most 10 letters"),
        (document(artist="a\x00b"), "artist: the text contains a NUL"),
        (market(event_ids=["\ud800"]), "markets: the text contains"),
        (market(name=None), "Market west, name: write a text"),
        (market(capacity=10**4_000), "Market west, capacity: a number with many digits"),
        (
            market(selection_time="2201-01-01T00:00:00Z"),
            "Market west, selection_time: the year 2201",
        ),
        (
            document(registration_closes="2025-01-01T00:00:00Z"),
            "cannot be used. Registration must close after it opens.",
        ),
        (document(status="closed"), "status"),
        (document(status=["open"]), "status: a list is unknown"),
        (document(artist=None), "artist: write a text in quotes, not null"),
        (document(artist="a" * 201), "artist: .* 200 characters"),
        (document(time_zone=["UTC"]), "time_zone: write a text"),
        (document(max_fans_per_contact=10**4_000), "max_fans_per_contact: a number with many"),
        (
            document(registration_closes="9999-12-31T23:59:59-05:00"),
            "registration_closes: the year",
        ),
        (document(registration_opens="9999-12-31T23:59:59-14:00"), "registration_opens: the year"),
        (document(registration_opens="0001-01-01T00:00:00+14:00"), "registration_opens: the year"),
        (document(registration_opens=["2026"]), "registration_opens: a list is not an ISO 8601"),
        (document(registration_opens="2026-01-01"), "no time zone offset"),
        (document(registration_opens="2026-01-01T00:00:00"), "no time zone offset"),
        (document(registration_opens="soon"), "ISO 8601"),
        (document(registration_opens=5), "ISO 8601"),
        (document(registration_closes="2025-01-01T00:00:00Z"), "close after it opens"),
        (document(time_zone="Mars/Olympus"), "time_zone"),
        (document(home_countries=[]), COUNTRIES),
        (document(home_countries=["us"]), COUNTRIES),
        (document(home_countries=["USA"]), COUNTRIES),
        (document(home_countries=["XX"]), "home_countries: XX is not a country"),
        (document(home_countries="US"), COUNTRIES),
        (document(home_countries={"US": 1}), COUNTRIES),
        (document(min_score=1.5), "min_score"),
        (document(min_score=float("nan")), "min_score"),
        (document(min_score="high"), "min_score"),
        (document(min_score=True), "min_score: write a number"),
        (document(max_fans_per_contact=-1), "max_fans_per_contact"),
        (document(max_fans_per_contact=1.5), "max_fans_per_contact: write a whole number"),
        (document(name="  "), "is missing name"),
        (document(allow_intl_phones="true"), "allow_intl_phones: write true or false"),
        (document(scoring_type="cubic"), "scoring_type: 'cubic' is unknown. Use one of"),
        (document(code_source="theirs"), "code_source: 'theirs' is unknown. Use one of"),
        (document(code_source="tm|own"), "code_source"),
        (document(markets={}), "list of objects"),
        (document(markets=["west"]), "list of objects"),
        (document(markets=[MARKET, MARKET]), "same market_id"),
        (market(market_id=["west"]), "market_id must be a text"),
        (market(market_id="a b"), "market a b"),
        (market(market_id=...), "is missing market_id"),
        (market(capacity=-1), "-1"),
        (market(capacity="5"), "'5'"),
        (market(capacity=True), "true"),
        (market(capacity=10**12), "capacity"),
        (market(capacity=...), "is missing capacity"),
        (market(selection_time="2026-01-18T12:00:00"), "no time zone offset"),
        (market(event_ids="E1"), "event_ids"),
        (market(event_ids=[1]), "event_ids"),
        (market(time_zone="Pacific"), "Market west, time_zone: 'Pacific' is not a time zone"),
        (market(time_zone=7), "time_zone"),
        (market(position=-1), "position"),
        (market(position="1"), "Market west, position: write a whole number"),
        (market(colour="red"), "unknown keys: colour"),
        (document(blacklist="bad@example.com"), "blacklist"),
        (document(blacklist=nested(60)), "blacklist: the JSON is nested too deeply"),
        (document(whitelist=[5]), "whitelist"),
        (document(blacklist=["@" + "a" * 300]), "254"),
        (document(draw={"seed": SEED.hex()}), "seed and salt"),
        (document(draw={"seed": "00", "salt": "00"}), "64 hex digits"),
        (document(draw="random"), "seed and salt"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_one_clear_error_and_nothing_is_written(wrong, says):
    with pytest.raises(BadCampaignFile, match=says):
        loading.load(wrong)
    assert not Campaign.objects.exists()


def test_s8_a_public_source_without_a_name_is_none():
    """A draw would wait for the value of a source that nobody can find."""
    campaign = loading.load(document(entropy_source="  ", status="open")).campaign
    assert (campaign.entropy_source, campaign.draw_ready) == ("", True)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("blacklist", "bad@example.com", "nonsense"),
        ("whitelist", "good@example.com", "nonsense"),
        ("disposable_domains", "throw.example", "non sense"),
    ],
)
def test_a_list_line_that_can_match_nothing_is_refused_now_and_not_at_the_first_upload(
    name, good, bad
):
    with pytest.raises(ListEntryInvalid, match="line 2"):
        loading.load(document(**{name: [good, bad]}))
    assert not Campaign.objects.exists()


def test_n1_the_default_language_is_a_tag_and_english_where_none_is_given():
    assert loading.load(document(default_language=" pt_br ")).campaign.default_language == "pt-BR"
    assert loading.load({"campaign_id": "a-1", "name": "Tour"}).campaign.default_language == "en"
    with pytest.raises(BadCampaignFile, match="default_language: 'english' is not a language"):
        loading.load({"campaign_id": "a-2", "name": "Tour", "default_language": "english"})


def test_c1_a_soft_start_is_a_whole_number_and_none_where_none_is_given():
    assert loading.load(document(soft_start=500)).campaign.soft_start == 500
    assert loading.load({"campaign_id": "a-1", "name": "Tour"}).campaign.soft_start == 0
    with pytest.raises(BadCampaignFile, match="soft_start: write a whole number"):
        loading.load({"campaign_id": "a-2", "name": "Tour", "soft_start": "many"})


def test_c1_quiet_hours_are_two_times_of_the_day_and_none_where_none_are_given():
    assert loading.load(document(quiet_hours="21:00-08:00")).campaign.quiet_hours == "21:00-08:00"
    assert loading.load({"campaign_id": "a-1", "name": "Tour"}).campaign.quiet_hours == ""
    with pytest.raises(BadCampaignFile, match="two times of the day"):
        loading.load({"campaign_id": "a-2", "name": "Tour", "quiet_hours": "21-8"})
