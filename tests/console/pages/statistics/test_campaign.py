"""The page of a campaign's figures. [O-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from stats.models import Snapshot
from stats.snapshots.figures import instant_of
from tests.stats.rows import saved
from tests.support.campaigns import make_campaign

pytestmark = pytest.mark.django_db


def test_o3_figures_are_shown_now_and_over_the_time_that_is_asked_for(viewer):
    campaign = make_campaign("toured")
    now = instant_of(timezone.now())
    saved(campaign, now - timedelta(days=20), registered=11)
    saved(
        campaign,
        now - timedelta(hours=1),
        registered=222,
        scored=10,
        accepted=7,
        rejected=3,
        rejected_by={"duplicate": 3},
        bands={"high": 7},
        wanted={"west": 6},
        selected={"west": 5},
    )
    page = "/admin/campaign/toured/statistics/"
    html = viewer.get(page).content.decode()
    assert html.count("<polyline") == 15
    assert "Registered <b>222</b>" in html
    assert "Duplicate of an earlier row" in html
    assert 'data-label="Wanted by">6</td>' in html
    assert 'data-label="Selected">5</td>' in html
    assert ">11</td>" not in html
    for days in ("all", "30"):
        assert ">11</td>" in viewer.get(page, {"days": days}).content.decode()
    assert ">11</td>" not in viewer.get(page, {"days": "9999999"}).content.decode()
    # of a campaign that is closed, the last days before that
    Snapshot.objects.update(at=F("at") - timedelta(days=90), until=F("until") - timedelta(days=90))
    assert ">222</td>" in viewer.get(page).content.decode()
    assert page in viewer.get("/admin/campaign/toured/").content.decode()


def test_o3_a_campaign_without_figures_says_so(viewer):
    make_campaign("new")
    for days in ("7", "all"):
        answer = viewer.get("/admin/campaign/new/statistics/", {"days": days})
        assert "No statistics yet." in answer.content.decode()
    assert viewer.get("/admin/campaign/other/statistics/").status_code == 404
