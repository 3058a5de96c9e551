"""A fan who is erased is taken out of the selected events. [X-11]"""

from __future__ import annotations

import pytest

from datalake.errors import TableUnreachable
from datalake.streams import consumers
from demand.models import SelectedEvents
from demand.selected_events import dynamodb
from demand.selected_events.forgetting import forget
from demand.selected_events.saving import FanEvents, save_events
from tests.support.cloud import events_in, use_table

pytestmark = pytest.mark.django_db


def test_x11_a_fan_is_taken_out_of_the_database_and_of_dynamodb(aws, settings, monkeypatch):
    monkeypatch.setattr(dynamodb, "AT_ONCE", 1)
    client = use_table(aws, settings)
    save_events([FanEvents(fan, "1", ["E1"]) for fan in ("a", "b")])
    consumers.consume(["demand-table"], once=True)
    there, settings.AWS_ENDPOINT_URL = settings.AWS_ENDPOINT_URL, "http://127.0.0.1:9"
    with pytest.raises(TableUnreachable):
        forget("a", touch=print)
    assert SelectedEvents.objects.count() == 2  # what is not done can be done again
    settings.AWS_ENDPOINT_URL = there
    rows = list[int]()
    for _ in range(2):
        forget("a", touch=rows.append)
    assert rows == [1]
    assert events_in(client) == {"b": ["E1"]}
    assert SelectedEvents.objects.get().global_user_id == "b"


def test_x11_without_dynamodb_the_row_goes():
    save_events([FanEvents("a", "1", ["E1"])])
    forget("a", touch=print)
    assert not SelectedEvents.objects.exists()
