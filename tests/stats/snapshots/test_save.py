"""Statistics are saved as one row for each campaign and instant, while they change. [O-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, transaction

from campaigns.models import Campaign
from stats.models import Snapshot
from stats.snapshots import counting
from stats.snapshots.figures import Figures, instant_of
from stats.snapshots.save import save_open, store, thin_out
from tests.stats.rows import saved
from tests.support.campaigns import make_campaign
from tests.support.waves import NOW, campaign_with

pytestmark = pytest.mark.django_db
AT = instant_of(NOW)
FIVE, DAY = timedelta(minutes=5), timedelta(days=1)


def spans() -> list[tuple[int, float, float]]:
    """(registered, minutes from AT, minutes until) of each row."""
    return [
        (row.registered, (row.at - AT) / FIVE * 5, (row.until - AT) / FIVE * 5)
        for row in Snapshot.objects.order_by("at")
    ]


def test_o3_figures_that_did_not_change_make_their_row_last_longer():
    campaign = make_campaign()
    counts = [7, 7, 7, 9, 7]
    stored = [
        store(campaign, Figures(registered=count), at=AT + n * FIVE)
        for n, count in enumerate(counts)
    ]
    assert stored == [True, False, False, True, True]
    assert spans() == [(7, 0, 10), (9, 15, 15), (7, 20, 20)]


def test_o3_an_instant_has_one_row_and_what_comes_late_is_dropped():
    campaign = make_campaign()
    assert store(campaign, Figures(registered=7), at=AT)
    assert store(campaign, Figures(registered=8), at=AT)
    assert not store(campaign, Figures(registered=1), at=AT - FIVE)
    assert spans() == [(8, 0, 0)]


def test_o3_open_campaigns_are_saved_and_others_are_left_as_they_are():
    campaign_with(fans=3)
    make_campaign("drafted", opened=False)
    closed = campaign_with(fans=1)
    Campaign.objects.filter(pk=closed.pk).update(status="closed")
    assert save_open(now=NOW) == {"campaigns": 1, "saved": 1, "unchanged": 0}
    assert save_open(now=NOW + FIVE) == {"campaigns": 1, "saved": 0, "unchanged": 1}
    assert spans() == [(3, 0, 5)]


def test_o3_a_campaign_that_cannot_be_counted_does_not_hold_up_the_others(monkeypatch):
    first, second = campaign_with(fans=3), campaign_with(fans=4)
    count = counting.figures_of

    def figures_of(campaign, *, at):
        if campaign == first:
            raise OperationalError("canceling statement due to statement timeout")
        return count(campaign, at=at)

    monkeypatch.setattr(counting, "figures_of", figures_of)
    with pytest.raises(OperationalError, match="statement timeout"):
        save_open(now=NOW)
    assert Snapshot.objects.get().campaign == second


def test_o3_rows_that_do_not_add_up_are_refused():
    with pytest.raises(IntegrityError, match="snapshot_ledger"), transaction.atomic():
        store(make_campaign(), Figures(scored=3, accepted=1, rejected=1), at=AT)


def test_o3_of_old_days_the_last_row_stays(settings):
    settings.STATISTICS_DAYS = 30
    campaign, other = make_campaign("one"), make_campaign("two")
    old = (NOW - 40 * DAY).replace(hour=0, minute=0)
    for hours in (0, 5, 23, 24, 30):
        saved(campaign, old + timedelta(hours=hours), registered=hours)
    saved(other, old + timedelta(hours=12), registered=12)
    saved(campaign, AT - DAY, registered=100)
    saved(campaign, AT - DAY + FIVE, registered=101)
    assert thin_out(now=NOW) == 3
    assert [row.registered for row in Snapshot.objects.order_by("campaign_id", "at")] == [
        *(23, 30, 100, 101),
        12,
    ]
    assert thin_out(now=NOW) == 0
