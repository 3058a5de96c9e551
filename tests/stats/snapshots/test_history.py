"""The saved figures of a campaign, as a picture takes them. [O-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from stats.snapshots import history
from stats.snapshots.figures import EVERY, instant_of
from tests.stats.rows import saved
from tests.support.campaigns import make_campaign
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db
AT = instant_of(NOW)


def test_o3_a_span_begins_with_what_was_valid_then_and_ends_with_the_newest():
    campaign = make_campaign()
    assert (history.newest(campaign), history.beginning(campaign)) == (None, None)
    for n in range(6):
        saved(campaign, AT + n * EVERY, registered=n)
    saved(make_campaign("other"), AT, registered=100)
    found = history.since(campaign, AT + 3 * EVERY, AT + 6 * EVERY)
    assert [row.registered for row in found] == [3, 4, 5]
    assert history.newest(campaign).registered == 5
    assert history.beginning(campaign) == AT


def test_o3_a_long_span_is_thinned_out(monkeypatch):
    monkeypatch.setattr(history, "SHOWN", 4)
    campaign = make_campaign()
    for n in range(12):
        saved(campaign, AT + n * EVERY, registered=n)
    found = [row.registered for row in history.since(campaign, AT, AT + timedelta(hours=1))]
    assert len(found) <= 5
    assert found == sorted(found)
    assert found[-1] == 11
