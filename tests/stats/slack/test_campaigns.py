"""Figures that changed go to Slack, of open campaigns with an artist. [O-3]"""

from __future__ import annotations

import pytest

from operations.models import Alert
from stats.models import SlackReport
from stats.slack.campaigns import report
from stats.snapshots.figures import EVERY, instant_of
from tests.stats.rows import saved
from tests.support.campaigns import make_campaign
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db
AT = instant_of(NOW)


def texts() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("text", flat=True))


def test_o3_only_changes_of_open_campaigns_with_an_artist_are_told():
    campaign = make_campaign("toured", artist="The Band")
    saved(campaign, AT, registered=7)
    saved(make_campaign("quiet", artist=""), AT, registered=8)
    saved(make_campaign("drafted", artist="The Band", opened=False), AT, registered=9)
    told = {"campaigns": 2, "reported": 1, "unchanged": 0, "without_artist": 1}
    assert report(now=NOW) == told
    assert report(now=NOW) == told | {"reported": 0, "unchanged": 1}
    (text,) = texts()
    assert "Registered: 7," in text
    assert text.endswith("/admin/campaign/toured/statistics/")
    saved(campaign, AT + EVERY, registered=9)
    assert report(now=NOW + EVERY)["reported"] == 1
    assert "Registered: 9 (+2)," in texts()[1]
    assert SlackReport.objects.get().at == NOW + EVERY


def test_o3_a_campaign_without_saved_figures_is_not_told_of():
    make_campaign("new", artist="The Band")
    assert report(now=NOW)["reported"] == 0
    assert texts() == []
