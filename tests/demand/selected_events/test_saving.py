"""What campaigns say of their fans' events. [T-4]"""

from __future__ import annotations

import pytest

from demand.models import SelectedEvents
from demand.selected_events.saving import FanEvents, save_events

pytestmark = pytest.mark.django_db


def kept() -> dict[str, tuple[list[str], int]]:
    return {
        row.global_user_id: (row.event_ids, row.version) for row in SelectedEvents.objects.all()
    }


def test_t4_a_fans_events_are_those_of_all_campaigns():
    assert save_events([FanEvents("a", "1", ["E2", "E1"]), FanEvents("a", "2", ["E3", "E1"])]) == 1
    assert save_events([FanEvents("a", "3", ["E9"]), FanEvents("b", "1", [])]) == 2
    assert kept() == {"a": (["E1", "E2", "E3", "E9"], 2), "b": ([], 1)}


def test_t4_a_repeat_changes_nothing_and_what_a_campaign_says_now_counts():
    save_events([FanEvents("a", "1", ["E1", "E2"]), FanEvents("a", "2", ["E2"])])
    assert save_events([FanEvents("a", "1", ["E2", "E1"])]) == 0
    assert save_events([]) == 0
    assert kept() == {"a": (["E1", "E2"], 1)}
    assert save_events([FanEvents("a", "1", ["E1"])]) == 1
    assert kept() == {"a": (["E1", "E2"], 2)}
    assert save_events([FanEvents("a", "2", [])]) == 1
    assert kept() == {"a": (["E1"], 3)}
