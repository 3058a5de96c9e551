"""A selectionRefresh computes verdict and events of a fan anew. [T-4]"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign, Market, Registrant
from datalake.models import QueueMessage
from demand.models import SelectedEvents
from tests.support.verdicts import (
    assignment,
    campaign_of,
    consume,
    publish,
    refresh,
    rejected,
    told,
)
from waves.models import Selection
from waves.verdicts.refreshes import invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def selected() -> Campaign:
    """A campaign with one fan who was selected, and one who was not."""
    campaign = campaign_of(2)
    publish(assignment(campaign, 0))
    consume()
    return campaign


def refreshed(*records, **options) -> int:
    """How many messages were told, after these records."""
    publish(*records, to="save-selection", correlation_id="the-refresh")
    consume()
    return len(told())


def test_t4_a_refresh_tells_new_events_once(selected):
    Market.objects.filter(campaign=selected, market_id="west").update(event_ids=["E2", "E5"])
    assert refreshed(refresh(selected, 0), refresh(selected, 0)) == 2
    message = told()[-1]
    assert (message["eventIds"], message["correlationId"]) == (["E2", "E5"], "the-refresh")
    assert SelectedEvents.objects.get().event_ids == ["E2", "E5"]
    assert Selection.objects.get().version == 2
    assert refreshed(refresh(selected, 0)) == 2
    first, second = QueueMessage.objects.order_by("pk")
    assert (first.key[:-1], second.key[:-1]) == (second.key[:-1], first.key[:-1])
    assert first.group == second.group


def test_t4_a_verdict_that_was_lost_is_set_and_told_again(selected):
    Registrant.objects.update(verdict=None)
    assert refreshed(refresh(selected, 0)) == 2
    assert list(Registrant.objects.order_by("pk").values_list("verdict", flat=True)) == [True, None]


def test_t4_a_fan_who_was_not_selected_has_nothing_to_refresh(selected):
    assert refreshed(refresh(selected, 1)) == 1
    assert rejected() == {}


def test_t4_a_refresh_changes_no_other_campaigns_events(selected):
    other = campaign_of(1)
    Market.objects.filter(campaign=other, market_id="west").update(event_ids=["E8"])
    publish(assignment(other, 0))
    consume()
    Market.objects.filter(campaign=selected, market_id="west").update(event_ids=[])
    refreshed(refresh(selected, 0))
    assert SelectedEvents.objects.get().event_ids == ["E8"]


def test_t4_refreshes_of_unknown_fans_and_of_campaigns_that_are_closed_are_rejected(selected):
    closed = campaign_of(1)
    Campaign.objects.filter(pk=closed.pk).update(status="closed")
    refreshed(
        refresh(selected, 7),
        refresh(selected, 8, campaignId="nowhere"),
        refresh(closed, 0),
    )
    assert rejected() == {
        "fan-7": "selections: unknown fan",
        "fan-8": "selections: unknown campaign",
        "fan-0": "selections: the campaign is not open",
    }


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"campaignId": "1", "globalUserId": "a"}, ""),
        ({"globalUserId": "a"}, "campaignId: missing or not a string"),
        ({"campaignId": "1", "globalUserId": " "}, "globalUserId: missing or not a string"),
        ({"campaignId": "1", "globalUserId": ["a"]}, "globalUserId: missing or not a string"),
        (
            {"campaignId": "1", "globalUserId": "a\0"},
            "globalUserId: the text contains a NUL or an incomplete character. Remove it.",
        ),
    ],
)
def test_t4_a_refresh_names_a_campaign_and_a_fan(record, why):
    assert invalid(record) == why
