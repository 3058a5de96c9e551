"""The home page: what needs attention, and nothing that somebody may not see."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from operations.models import Heartbeat, Job
from operations.services import heartbeats
from tests.console.demand.demand_cases import OVERVIEW, text_of
from tests.support.campaigns import make_campaign
from tests.support.change_events import DEMAND, archived, change
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db


def test_the_first_page_asks_as_often_for_many_batches_as_for_few(operator):
    counts = []
    for batches in (2, 12):
        for number in range(batches):
            archived([change(DEMAND, fanId=f"fan-{number}"), b"{"])
        with CaptureQueriesContext(connection) as asked:
            text_of(operator.get(OVERVIEW))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_first_page_says_what_came_in_a_day_to_those_who_may_see_it(operator):
    assert "Demand archive</h2>" not in text_of(operator.get("/admin/now/"))
    archived([change(DEMAND), b"{"])
    html = re.sub(r"<[^>]+>", "", text_of(operator.get("/admin/now/")))
    assert "2 change events in 24 hours = 1 archived + 1 errors." in html
    assert "change events" not in text_of(
        client_of(staff("newcomer", "contenttypes.view_contenttype")).get("/admin/now/")
    )


def test_a_closed_campaign_stays_on_the_home_page_until_it_is_archived(operator):
    make_campaign("tour")
    for status, shown in ((CampaignStatus.CLOSED, True), (CampaignStatus.ARCHIVED, False)):
        Campaign.objects.update(status=status, archived_at=None if shown else timezone.now())
        html = operator.get("/admin/").content.decode()
        assert ("/admin/campaign/tour/" in html) is shown, status


def test_o2_a_service_that_is_silent_or_does_not_run_is_on_the_home_page(operator):
    """[O-2]"""
    for number, name in enumerate(heartbeats.EXPECTED, 1):
        heartbeats.begin(name, host="here", pid=number)
    assert "Service " not in text_of(operator.get("/admin/"))
    silent = Heartbeat.objects.filter(service="scheduler")
    silent.update(beat_at=F("beat_at") - timedelta(minutes=4))
    Heartbeat.objects.filter(service="consumers").delete()
    html = re.sub(r"<[^>]+>", "", text_of(operator.get("/admin/now/")))
    assert "Service scheduler: silent for more than 3 minutes (process 3 on here)." in html
    assert "Service consumers: not running." in html
    assert "Service " not in text_of(
        client_of(staff("newcomer", "contenttypes.view_contenttype")).get("/admin/now/")
    )


def test_a_failed_job_whose_work_a_later_one_did_is_not_shown(operator):
    """What was made good is no failure."""
    failed = {"state": "failed", "error": "deadlock detected", "kind": "send_wave"}
    for name in ("made-good", "still-failed"):
        Job.objects.create(subject_kind="wave", subject_id=name, **failed)
    Job.objects.create(kind="send_wave", subject_kind="wave", subject_id="made-good", state="done")
    html = text_of(operator.get("/admin/now/"))
    assert "still-failed" in html
    assert "made-good" not in html
