"""The public value is entered once, not before it is public, and its time is kept. [S-8]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns.entropy import entry
from campaigns.entropy.entry import enter_entropy
from campaigns.errors import BadPublicValue, DrawIsLocked, TooEarly, WrongStatus
from campaigns.models import Campaign
from campaigns.opening import draw_of
from operations.database import clock
from operations.errors import ClocksDiffer
from operations.models import StatusChange
from tests.campaigns.entropy.sources import time_reached, waiting
from tests.support.campaigns import make_campaign
from tests.support.people import staff

pytestmark = pytest.mark.django_db
VALUE = "0f" * 32


def test_the_public_value_is_trimmed_and_entered_once():
    campaign = make_campaign(entropy_source="drand round 5551234")
    with pytest.raises(WrongStatus, match="needs the value"):
        draw_of(campaign)
    with pytest.raises(BadPublicValue, match="empty"):
        enter_entropy(campaign.pk, " \n", by=None)
    entered = enter_entropy(campaign.pk, " 4a7f\n", by=None)
    assert (entered.entropy_value, draw_of(entered).entropy) == ("4a7f", "4a7f")
    with pytest.raises(DrawIsLocked, match="already"):
        enter_entropy(campaign.pk, "beef", by=None)
    for change in ({"entropy_value": "beef"}, {"entropy_entered_at": timezone.now()}):
        with pytest.raises(IntegrityError, match="entered already"), transaction.atomic():
            Campaign.objects.filter(pk=campaign.pk).update(**change)


def test_a_value_is_not_entered_before_its_time_and_then_with_the_time_of_entry(monkeypatch):
    campaign, ann = waiting(), staff("ann")
    with pytest.raises(TooEarly, match=r"becomes public at 2115-.* Enter it then"):
        enter_entropy(campaign.pk, VALUE, by=ann)
    at = time_reached(monkeypatch, entry, campaign)
    with pytest.raises(BadPublicValue, match="64 digits"):
        enter_entropy(campaign.pk, "4a7f", by=ann)
    entered = enter_entropy(campaign.pk, VALUE, by=ann, how="read on a page")
    assert (entered.entropy_value, entered.entropy_entered_at) == (VALUE, at)
    kept = StatusChange.objects.get(to_state="value entered")
    assert (kept.by, kept.reason) == (ann, f"{campaign.entropy_source}, read on a page")


def test_a_machine_whose_clock_is_wrong_enters_nothing_and_says_so(monkeypatch):
    campaign = waiting()
    wrong = clock.database_time() + timedelta(minutes=2)
    monkeypatch.setattr(clock.timezone, "now", lambda: wrong)
    with pytest.raises(ClocksDiffer, match="Correct the one that is wrong"):
        enter_entropy(campaign.pk, VALUE, by=None)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"entropy_value": VALUE}, "campaign_value_has_its_time"),
        ({"entropy_entered_at": timezone.now()}, "campaign_value_has_its_time"),
        (
            {"entropy_value": VALUE, "entropy_entered_at": timezone.now()},
            "campaign_value_was_public",
        ),
    ],
)
def test_the_database_takes_no_value_without_its_time_or_before_it(change, constraint):
    campaign = waiting()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(**change)


def test_a_campaign_that_named_no_source_takes_no_value():
    with pytest.raises(DrawIsLocked, match="has no public source"):
        enter_entropy(make_campaign().pk, "4a7f", by=None)


def test_a_draft_takes_no_value():
    with pytest.raises(WrongStatus):
        enter_entropy(make_campaign(opened=False, entropy_source="dice").pk, "6", by=None)
