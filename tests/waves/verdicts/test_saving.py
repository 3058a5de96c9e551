"""Who was selected is saved and told. [T-4]"""

from __future__ import annotations

import pytest
from django.db import transaction

from campaigns.models import Market, Registrant
from datalake.models import SeenRecord
from demand.models import SelectedEvents
from operations.database.locks import try_lock_in_transaction
from tests.support.connections import elsewhere
from tests.support.verdicts import assignment, campaign_of, consume, publish, rejected, told
from waves.models import Selection
from waves.verdicts import saving

pytestmark = pytest.mark.django_db


def events() -> dict[str, list[str]]:
    return dict(SelectedEvents.objects.values_list("global_user_id", "event_ids"))


def test_t4_verdict_events_and_message_of_each_fan_who_was_selected():
    campaign = campaign_of(3)
    publish(assignment(campaign, 0), assignment(campaign, 1, marketId="east"))
    assert consume()["selections"] == {
        "in": 2,
        "out": 2,
        "rejected": 0,
        "duplicates": 0,
        "lag": 0,
    }
    verdicts = Registrant.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(verdicts) == [True, True, None]
    assert events() == {"fan-0": ["E1", "E2"], "fan-1": ["E3"]}
    assert told() == [
        {
            "campaignId": campaign.campaign_id,
            "globalUserId": f"fan-{n}",
            "verdict": True,
            "code": f"CODE{campaign.pk}X{n}",
            "eventIds": event_ids,
            "correlationId": "the-trigger",
        }
        for n, event_ids in enumerate((["E1", "E2"], ["E3"]))
    ]


def test_t4_a_fan_of_two_campaigns_has_the_events_of_both():
    one, two = campaign_of(1), campaign_of(1)
    Market.objects.filter(campaign=two, market_id="west").update(event_ids=["E9", "E2"])
    publish(assignment(one, 0), assignment(two, 0))
    consume()
    assert events() == {"fan-0": ["E1", "E2", "E9"]}
    assert [(each["campaignId"], each["eventIds"]) for each in told()] == [
        (one.campaign_id, ["E1", "E2"]),
        (two.campaign_id, ["E2", "E9"]),
    ]


def test_t4_a_record_that_comes_again_when_nobody_remembers_it_is_told_no_second_time():
    campaign = campaign_of(1)
    publish(assignment(campaign, 0))
    consume()
    before = (told(), list(Selection.objects.values()), events())
    SeenRecord.objects.all().delete()
    Market.objects.filter(campaign=campaign).update(event_ids=["E7"])
    publish(assignment(campaign, 0))
    publish(assignment(campaign, 0), to="save-selection")
    assert consume()["selections"]["out"] == 1
    assert (told(), list(Selection.objects.values()), events()) == before


def test_k6_another_code_of_a_fan_who_has_one_is_rejected():
    campaign = campaign_of(2)
    publish(assignment(campaign, 0))
    consume()
    publish(
        assignment(campaign, 0, code="ANOTHER"),
        assignment(campaign, 1, code=f"code{campaign.pk}x0"),
    )
    consume()
    assert rejected() == {
        "fan-0": "transform: the fan has another code in this campaign",
        "fan-1": "transform: the code is another fan's",
    }
    assert len(told()) == 1


def test_t4_save_selection_judges_too_because_others_may_publish_there():
    campaign = campaign_of(1)
    publish(assignment(campaign, 0), assignment(campaign, 5), to="save-selection")
    consume()
    assert rejected() == {"fan-5": "selections: unknown fan"}
    assert [each["globalUserId"] for each in told()] == ["fan-0"]


def test_t4_a_code_without_a_market_or_of_one_without_events_names_no_event():
    campaign = campaign_of(2)
    Market.objects.filter(campaign=campaign, market_id="east").update(event_ids=[])
    publish(assignment(campaign, 0, marketId=None), assignment(campaign, 1, marketId="east"))
    consume()
    assert [each["eventIds"] for each in told()] == [[], []]
    assert events() == {"fan-0": [], "fan-1": []}


@pytest.mark.django_db(transaction=True)
def test_x11_who_erases_a_fan_waits_until_selections_are_saved():
    record = assignment(campaign_of(1), 0, correlationId="x")
    with transaction.atomic():
        assert saving.take([record]) == {}
        assert not elsewhere(lambda: try_lock_in_transaction("selections"))
    assert elsewhere(lambda: try_lock_in_transaction("selections"))
