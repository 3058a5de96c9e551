"""Fans' selected events are written to DynamoDB, over real connections. [T-4]"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from django.utils import timezone

from datalake.aws.dynamodb import LONGEST_SECONDS, SetTable
from datalake.aws.errors import table_error
from datalake.errors import ConsumerFailed, ItemRefused, TableUnreachable
from datalake.streams import consumers
from demand.models import SelectedEvents
from demand.selected_events import dynamodb
from demand.selected_events.saving import FanEvents, save_events
from operations.models import Alert
from tests.support.cloud import events_in, use_table

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(aws, settings, monkeypatch):
    monkeypatch.setattr(dynamodb, "AT_ONCE", 1)  # in the order of the rows
    return use_table(aws, settings)


def say(campaign: str = "1", **events: list[str]) -> None:
    save_events([FanEvents(fan, campaign, ids) for fan, ids in events.items()])


def consume() -> dict[str, int]:
    return consumers.consume(["demand-table"], once=True)["demand-table"]


def test_t4_each_change_is_written_once(client):
    say(a=["E1", "E2"], b=["E3"])
    assert consume() == {"in": 2, "out": 2, "rejected": 0, "duplicates": 0, "lag": 0}
    assert events_in(client) == {"a": ["E1", "E2"], "b": ["E3"]}
    assert consume()["in"] == 0
    say(a=["E2"], c=[])
    say("2", a=["E5"])
    assert consume()["in"] == 2
    assert events_in(client) == {"a": ["E2", "E5"], "b": ["E3"], "c": []}


def test_t4_without_a_table_nothing_waits_and_all_is_written_once_there_is_one(client, settings):
    settings.DEMAND_TABLE = ""
    say(a=["E1"])
    assert consume() == {"in": 0, "out": 0, "rejected": 0, "duplicates": 0, "lag": 0}
    settings.DEMAND_TABLE = "demand"
    assert dynamodb.to_write() == 1
    consume()
    assert events_in(client) == {"a": ["E1"]}


def test_t4_events_that_were_written_by_who_died_are_taken_out_when_they_are_gone(
    client, monkeypatch
):
    say(a=["E1", "E2"])
    with monkeypatch.context() as patched:
        patched.setattr(dynamodb, "run", dies)
        with pytest.raises(KeyboardInterrupt):
            dynamodb.step(40)
    assert events_in(client) == {"a": ["E1", "E2"]}
    say(a=["E2"])
    consume()
    assert events_in(client) == {"a": ["E2"]}


def dies(*arguments, **values):
    raise KeyboardInterrupt


def test_t4_a_change_while_it_is_written_is_written_next(client, monkeypatch):
    say(a=["E1"])
    real = SetTable.write

    def meanwhile(table, key, **values):
        SelectedEvents.objects.filter(version=1).update(event_ids=["E9"], version=2)
        return real(table, key, **values)

    with monkeypatch.context() as patched:
        patched.setattr(dynamodb, "ThreadPoolExecutor", InThisThread)
        patched.setattr(SetTable, "write", meanwhile)
        dynamodb.step(40)
    assert dynamodb.to_write() == 1
    consume()
    assert events_in(client) == {"a": ["E9"]}


class InThisThread:
    """Writers that see the test's transaction."""

    map = staticmethod(map)

    def __init__(self, number: int) -> None: ...
    def __enter__(self):
        return self

    def __exit__(self, *exception: object) -> None: ...


def test_t4_what_is_throttled_is_written_later_and_the_rest_now(client, monkeypatch):
    say(a=["E1"], b=["E2"])
    error = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow"}}
    real = SetTable._update

    def throttled(table, key, *values, **named):
        if key == "a":
            raise table_error(table.name, ClientError(error, "UpdateItem"))
        return real(table, key, *values, **named)

    with monkeypatch.context() as patched:
        patched.setattr(SetTable, "_update", throttled)
        with pytest.raises(ConsumerFailed, match="ProvisionedThroughputExceeded"):
            consume()
    assert events_in(client) == {"b": ["E2"]}
    assert not Alert.objects.exists()  # away for a moment
    consume()
    assert events_in(client) == {"a": ["E1"], "b": ["E2"]}


def test_t4_an_item_that_is_refused_alerts_holds_up_nobody_and_is_tried_again(client, monkeypatch):
    say(a=["E1"], b=["E2"])
    real = SetTable.write

    def picky(table, key, **values):
        if key == "a":
            raise ItemRefused("The table demand refuses an item: too large")
        return real(table, key, **values)

    with monkeypatch.context() as patched:
        patched.setattr(SetTable, "write", picky)
        assert (consume()["out"], consume()["in"]) == (1, 0)
    assert events_in(client) == {"b": ["E2"]}
    assert "too large" in SelectedEvents.objects.get(global_user_id="a").error
    assert Alert.objects.count() == 1
    assert consume()["in"] == 0  # not before an hour has passed
    SelectedEvents.objects.update(try_at=timezone.now())
    assert consume() == {"in": 1, "out": 1, "rejected": 0, "duplicates": 0, "lag": 0}
    assert SelectedEvents.objects.get(global_user_id="a").error == ""


def test_t4_a_table_that_is_away_stops_nothing_else(client, settings):
    say(a=["E1"])
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(TableUnreachable):
        dynamodb.step(40)
    assert dynamodb.to_write() == 1


def test_t4_a_step_begins_no_write_after_its_deadline_and_the_next_does_the_rest(
    client, monkeypatch
):
    """A slow table does not hold the lock for as long as its requests are repeated."""
    say(a=["E1"], b=["E2"], c=["E3"])
    times = iter(
        [0.0, 0.0, dynamodb.BEGIN_SECONDS, dynamodb.BEGIN_SECONDS]
    )  # at the start, and of each
    with monkeypatch.context() as patched:
        patched.setattr(dynamodb, "monotonic", lambda: next(times))
        patched.setattr(dynamodb, "ThreadPoolExecutor", InThisThread)
        patched.setattr(SetTable, "write", lambda *about, **values: True)
        done = dynamodb.step(40)
    assert (done.records_in, done.records_out, dynamodb.to_write()) == (1, 1, 2)
    assert dynamodb.BEGIN_SECONDS + 2 * LONGEST_SECONDS < dynamodb.STOPPED_SECONDS
