"""Code assignments whose campaign, fan and market are known go on to `save-selection`. [T-3]"""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from campaigns.models import Campaign, Registrant
from datalake import streams
from datalake.dead_letters import replay
from datalake.models import DeadLetter
from datalake.streams.batches import unpack_records
from operations.database.locks import try_lock_in_transaction
from operations.models import Alert
from tests.support.connections import elsewhere
from tests.support.verdicts import (
    assignment,
    campaign_of,
    consume,
    publish,
    register,
    rejected,
    told,
)
from tests.support.waves import NOTIFY, scheduled
from waves.schedule import check_due_waves
from waves.verdicts import looking_up, transform

pytestmark = pytest.mark.django_db


def passed_on() -> list[tuple[str, str]]:
    """Correlation id and fan of each record on `save-selection`."""
    last = streams.extent("save-selection", 0, 100)
    batches = streams.read("save-selection", 1, last) if last else []
    return [
        (batch.correlation_id, record["globalUserId"])
        for batch in batches
        for record in unpack_records(batch.payload)
    ]


def test_t3_records_that_are_known_are_passed_on_once_with_the_id_that_they_came_with():
    campaign = campaign_of(3)
    publish(assignment(campaign, 0), assignment(campaign, 1), correlation_id="first")
    publish(assignment(campaign, 1), assignment(campaign, 2), correlation_id="second")
    done = consume()
    assert passed_on() == [("first", "fan-0"), ("first", "fan-1"), ("second", "fan-2")]
    assert (done["transform"]["in"], done["transform"]["out"]) == (4, 3)
    assert done["transform"]["duplicates"] == 1
    assert [each["correlationId"] for each in told()] == ["first", "first", "second"]
    publish(assignment(campaign, 2))
    assert consume()["transform"]["duplicates"] == 1
    assert len(passed_on()) == 3


def test_t3_what_is_unknown_is_rejected_with_a_warning_and_the_rest_goes_on():
    campaign, closed, draft = campaign_of(2), campaign_of(1), campaign_of(1, opened=False)
    Campaign.objects.filter(pk=closed.pk).update(status="closed")
    publish(
        assignment(campaign, 0),
        assignment(campaign, 10, campaignId="nowhere"),
        assignment(campaign, 11),
        assignment(campaign, 1, marketId="north"),
        assignment(closed, 0, globalUserId="fan-0", code="C"),
        assignment(draft, 0, globalUserId="fan-0", code="D"),
        assignment(campaign, 12, code="tm"),
        assignment(campaign, 13, code=""),
        assignment(campaign, 14, code="X" * 65),
    )
    done = consume()["transform"]
    assert (done["in"], done["out"], done["rejected"]) == (9, 1, 8)
    assert [fan for _, fan in passed_on()] == ["fan-0"]
    assert rejected() == {
        "fan-10": "transform: unknown campaign",
        "fan-11": "transform: unknown fan",
        "fan-1": "transform: unknown market",
        "fan-0": "transform: the campaign is not open",
        "fan-12": "transform: the code is a placeholder",
        "fan-13": "transform: code: empty",
        "fan-14": "transform: the code is too long",
    }
    warning = Alert.objects.get().text
    assert "Consumer transform failed for stream input: Records were rejected (" in warning
    assert "unknown fan" in warning
    publish(assignment(campaign, 20))
    consume()
    assert Alert.objects.filter(text=warning).count() == 1


def test_t3_a_rejected_record_takes_effect_when_it_is_replayed_once_its_fan_is_known():
    campaign = campaign_of(0)
    publish(assignment(campaign, 7))
    consume()
    register(campaign, [7])
    replay.replay(DeadLetter.objects.get().pk)
    consume()
    assert [each["globalUserId"] for each in told()] == ["fan-7"]


def test_t3_many_are_looked_up_in_few_queries(monkeypatch):
    monkeypatch.setattr(looking_up, "BATCH", 25)
    campaign = campaign_of(60)
    publish(*(assignment(campaign, n) for n in range(60)))
    asked = []

    def note(execute, sql, params, many, context):
        if "waves_assignment" in sql:
            asked.append(len(params["fans"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        consume()
    assert asked == [25, 25, 10] * 2  # of either consumer


def test_t2_what_the_trigger_published_goes_on_also_from_a_campaign_that_was_closed_since():
    wave = scheduled(3, capacities={"west": 3})
    check_due_waves(now=NOTIFY)
    Campaign.objects.update(status="archived", archived_at=NOTIFY)
    consume()
    assert {each["globalUserId"] for each in told()} == {f"fan-{n:06d}" for n in range(3)}
    assert Registrant.objects.filter(campaign=wave.campaign, verdict=True).count() == 3
    assert rejected() == {}


def test_k6_a_code_of_another_fan_is_rejected():
    wave = scheduled(2, capacities={"west": 1})
    check_due_waves(now=NOTIFY)
    consume()
    (message,) = told()
    other = {"fan-000000": 1, "fan-000001": 0}[message["globalUserId"]]
    stolen = {"globalUserId": f"fan-{other:06d}", "code": message["code"].lower()}
    publish(assignment(wave.campaign, 0, **stolen))
    consume()
    assert rejected() == {f"fan-{other:06d}": "transform: the code is another fan's"}
    assert len(told()) == 1


@pytest.mark.django_db(transaction=True)
def test_x11_an_erasure_waits_until_what_is_passed_on_is_committed():
    record = assignment(campaign_of(1), 0, correlationId="x", dedupeHash="y")
    with transaction.atomic():
        assert transform.take([record]) == {}
        assert not elsewhere(lambda: try_lock_in_transaction("selections"))
    assert elsewhere(lambda: try_lock_in_transaction("selections"))
