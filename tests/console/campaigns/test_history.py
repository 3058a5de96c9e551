"""One history of a campaign in plain words. [S-8, S-13, S-16]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import list_changes, rule_changes
from campaigns.entropy.entry import enter_entropy
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import activation
from console.campaigns.history import history_of
from console.pages import campaigns
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of, staff
from tests.support.waves import add_scores, campaign_with

pytestmark = pytest.mark.django_db


def told(campaign: Campaign) -> list[tuple[str, str, str, str]]:
    """From first to last: what, detail, who, why."""
    events, _ = history_of(Campaign.objects.get(pk=campaign.pk), most=100)
    return [
        (event.what, event.detail, str(event.by or "System"), event.reason)
        for event in reversed(events)
    ]


def test_who_opened_changed_and_closed_what_from_which_value_to_which_and_why():
    campaign, ann = make_campaign(entropy_source="dice"), staff("ann")
    enter_entropy(campaign.pk, "6", by=ann)
    before = rule_changes.options_of(campaign.pk)
    Campaign.objects.filter(pk=campaign.pk).update(min_score=0.5, artist="The Band")
    campaign.markets.filter(market_id="west").update(capacity=7)
    rule_changes.record(campaign, before, by=ann, reason="a larger hall")
    close_campaign(campaign.pk, by=ann)
    assert told(campaign) == [
        ("Opened: the draw was locked", "", "System", ""),
        ("Public value entered", "dice", "ann", ""),
        ("Minimum score changed", "0.22 → 0.5", "ann", "a larger hall"),
        ("Artist changed", "empty → The Band", "ann", "a larger hall"),
        ("Capacity of market west changed", "5 → 7", "ann", "a larger hall"),
        ("Closed: the draw was revealed", "", "ann", ""),
    ]


def test_switching_the_active_file_and_its_undo_are_told_with_who_did_it():
    """[S-13]"""
    campaign = campaign_with(fans=1)
    ann, ben = (staff(name, "campaigns.late_activation") for name in ("ann", "ben"))
    cal = staff("cal", "campaigns.activate_scores")
    first = campaign.active_score_file or ScoreFile.objects.get()
    second = add_scores(campaign, ["fan-000000"], [0.9])
    activation.activate(first.pk, by=cal, reason="it was wrong")
    activation.activate(second.pk, by=ann, reason="it was right")
    activation.undo(campaign.pk, by=ben, reason="it was wrong")
    names = [f"{file.name} (attempt {file.attempt})" for file in (first, second)]
    switches = [event for event in told(campaign) if "active" in event[0]]
    undone = "switch undone, attempt 1 active again"
    late = [event for event in switches if event[0].startswith("Late")]
    assert late == [
        ("Late change 1: attempt 2 made active", "Fans moved: 1", "ann", "it was right"),
        (f"Late change 2: {undone}", "Fans moved: 1", "ben", "it was wrong"),
    ]
    assert [event for event in switches if event not in late] == [
        (f"{names[0]} made the active file", f"in place of {names[1]}", "cal", ""),
        (f"{names[1]} made the active file", f"in place of {names[0]}", "ann", ""),
        (f"Undone: {names[1]} as the active file", f"{names[0]} is active again", "ben", ""),
    ]


def test_what_came_when_luck_could_be_known_says_that_it_was_late():
    """[S-8] Without a source, luck is known from the first draw on."""
    campaign, now = make_campaign(), timezone.now()
    add_scores(campaign, ["a"], [0.9])
    Campaign.objects.update(first_drawn_at=now + timedelta(days=1))
    list_changes.record(campaign, "blacklist", list_changes.ADDED, by=staff("ann"))
    assert not [detail for _, detail, *_ in told(campaign) if detail]
    Campaign.objects.update(first_drawn_at=now - timedelta(days=1))
    ScoreFile.objects.update(created_at=now - timedelta(days=2))
    add_scores(campaign, ["a"], [0.8])
    late = "It came late, when luck could be known"
    assert [(what.split(" (")[0], detail) for what, detail, *_ in told(campaign)[1:]] == [
        (told(campaign)[1][0], ""),
        ("Blacklist: 1 entry added", late),
        (told(campaign)[3][0].split(" (")[0], late),
    ]


def test_s16_a_changed_list_says_how_many_entries_and_who_but_not_which():
    campaign, ann = make_campaign(), staff("ann")
    list_changes.record(campaign, "whitelist", list_changes.ADDED, 2_000, by=ann)
    list_changes.record(campaign, "whitelist", list_changes.DELETED, 0, by=ann)
    list_changes.record(None, "whitelist", list_changes.ADDED, by=ann)
    assert told(campaign)[1:] == [("Whitelist: 2,000 entries added", "", "ann", "")]


def test_s16_the_page_offers_all_events_once_and_says_how_many_of_them_it_shows(monkeypatch):
    campaign = make_campaign()
    close_campaign(campaign.pk, by=None)
    client, page = client_of(member_of("viewer")), reverse("campaign", args=[campaign.campaign_id])
    for limit in ("EVENTS_SHOWN", "ALL_EVENTS"):
        monkeypatch.setattr(campaigns, limit, 1)
    assert "Show all" in client.get(page).text
    every = client.get(f"{page}?history").text
    assert "Show all" not in every
    assert "Only the newest 1 are shown." in every


def test_the_newest_events_come_first_and_older_ones_are_announced():
    campaign = make_campaign()
    close_campaign(campaign.pk, by=None)
    events, has_older = history_of(campaign, most=1)
    assert ([event.what for event in events], has_older) == (
        ["Closed: the draw was revealed"],
        True,
    )
