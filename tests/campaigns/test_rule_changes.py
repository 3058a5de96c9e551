from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from campaigns.errors import CapacityTooSmall, RuleChangeRefused
from campaigns.forms import CampaignForm
from campaigns.markets.forms import MarketForm
from campaigns.models import Campaign, Market, RuleChange
from campaigns.rule_changes import options_of, record, require_seats
from operations.database.clock import database_time
from tests.support.campaigns import SELECTION_TIME, make_campaign
from tests.support.connections import preparing
from tests.support.people import staff
from tests.support.waves import NOW, campaign_with, person, request
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db(transaction=True)


def changed(campaign: Campaign, reason: str = "the venue changed", **values) -> list[RuleChange]:
    """Its rules are changed to these, and what is listed."""
    before = options_of(campaign.pk)
    Campaign.objects.filter(pk=campaign.pk).update(**values)
    record(campaign, before, by=None, reason=reason)
    return list(RuleChange.objects.filter(campaign=campaign))


def test_each_changed_rule_of_an_open_campaign_is_listed_with_before_after_who_and_why():
    """S-16"""
    campaign, editor = make_campaign(), staff("ann")
    before = options_of(campaign.pk)
    Campaign.objects.filter(pk=campaign.pk).update(min_score=0.5, name="Autumn Tour")
    later = SELECTION_TIME + timedelta(hours=1)
    Market.objects.filter(campaign=campaign, market_id="west").update(selection_time=later)
    record(campaign, before, by=editor, reason=" the venue changed ")
    assert list(RuleChange.objects.values_list("market_id", "option", "before", "after")) == [
        ("", "minimum score", "0.22", "0.5"),
        ("", "name", "Spring Tour", "Autumn Tour"),
        ("west", "selection time", "2026-01-18 12:00:00 UTC", "2026-01-18 13:00:00 UTC"),
    ]
    assert set(RuleChange.objects.values_list("by", "reason")) == {(editor.pk, "the venue changed")}


def test_the_changes_of_one_edit_have_the_databases_time(monkeypatch):
    """[S-16] The page lists them in its order, whatever the clock of a machine says."""
    before = database_time()
    monkeypatch.setattr(timezone, "now", lambda: before - timedelta(hours=1))
    one, other = changed(make_campaign(), min_score=0.5, name="Autumn Tour")
    assert one.at == other.at >= before


def test_a_new_market_is_listed_as_a_change_of_rules():
    campaign = make_campaign()
    before = options_of(campaign.pk)
    Market.objects.create(
        campaign=campaign, market_id="north", name="N", capacity=3, selection_time=SELECTION_TIME
    )
    record(campaign, before, by=None, reason="more seats")
    added = RuleChange.objects.get(option="capacity")
    assert (added.market_id, added.before, added.after) == ("north", "", "3")
    assert not RuleChange.objects.filter(option="event ids").exists()  # it has none


def test_a_moved_market_is_listed_by_the_places_that_its_form_shows():
    """S-16. Places count from 1 for people, and from 0 in the table."""
    campaign = make_campaign()
    before = options_of(campaign.pk)
    west = campaign.markets.get(market_id="west")
    shown = MarketForm(instance=west)["position"].value()
    assert CampaignForm(instance=campaign).state()[f"{west.pk} position"][1] == str(shown)
    Market.objects.filter(pk=west.pk).update(position=6)
    record(campaign, before, by=None, reason="a later date")
    moved = RuleChange.objects.get()
    assert (moved.option, moved.before, moved.after) == ("position", str(shown), "7")


def test_without_a_reason_no_rule_of_an_open_campaign_changes():
    with pytest.raises(RuleChangeRefused, match="Enter a reason"):
        changed(make_campaign(), reason="  ", min_score=0.5)
    (renamed,) = changed(make_campaign(), reason="", name="Autumn Tour")
    assert (renamed.option, renamed.judges, renamed.reason) == ("name", False, "")
    assert changed(make_campaign(opened=False), reason="", min_score=0.5) == []


def test_while_a_wave_is_being_prepared_no_rule_changes():
    campaign = make_campaign()
    with preparing(campaign), pytest.raises(RuleChangeRefused, match="is being prepared"):
        changed(campaign, max_fans_per_contact=2)


def test_a_capacity_below_the_seats_given_is_refused():
    """W-5"""
    campaign = campaign_with(20, {"west": 8})
    prepare(request(campaign), by=person("ann"), now=NOW)
    west = campaign.markets.get()
    west.capacity = 8
    require_seats(campaign, [west])
    west.capacity = 7
    with pytest.raises(CapacityTooSmall, match="8 seats are given already"):
        require_seats(campaign, [west])


def test_the_database_wants_a_reason_for_each_listed_change():
    with pytest.raises(IntegrityError, match="rulechange_says_why"):
        RuleChange.objects.create(campaign=make_campaign(), option="capacity")
