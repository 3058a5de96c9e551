"""The page of the services. [O-2, T-1]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from django_q.models import Schedule

from operations import jobs, schedules
from operations.models import Alert, Heartbeat, Job
from operations.services import heartbeats
from operations.subjects import Subject
from tests.datalake.dead_letters.letter_rows import a_letter
from tests.support.lake import publish_registrations
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db
PAGE = "/admin/services/"


def words(client) -> str:
    return " ".join(client.get(PAGE).content.decode().split())


def test_o2_what_is_silent_or_does_not_run_stands_in_red(viewer):
    for number, name in enumerate(heartbeats.EXPECTED[:2], 1):
        heartbeats.begin(name, host="here", pid=number)
    Heartbeat.objects.filter(pid=2).update(beat_at=F("beat_at") - timedelta(minutes=4))
    html = words(viewer)
    assert html.count('<span class="fw-badge fw-good">running</span>') == 1
    assert html.count('<span class="fw-badge fw-bad">silent</span>') == 1
    assert html.count('<span class="fw-badge fw-bad">not running</span>') == 2
    assert "silent for more than 3 minutes (process 2 on here)." in html
    assert 'id="services"' in viewer.get(f"{PAGE}live/").content.decode()


def test_t1_consumers_show_what_they_are_behind_and_lead_to_their_dead_letters(viewer):
    publish_registrations(1, 2, 3, key="a")
    a_letter(consumer="lake")
    html = words(viewer)
    assert '<td class="fw-number" data-label="Records behind">3</td>' in html
    assert 'href="/admin/dead-letters/?consumer=lake">lake 1</a>' in html
    assert '<span class="fw-badge fw-bad">behind</span>' not in html


def test_o2_troubles_are_linked_a_job_that_failed_or_waits_an_alert_a_run_that_is_late(viewer):
    schedules.write(schedules.registered(), now=timezone.now())
    hour = timedelta(hours=1)
    Schedule.objects.update(next_run=timezone.now() + hour)
    merges = Schedule.objects.filter(name="fairwave: merge_daily")
    merges.update(next_run=timezone.now() - hour)
    Schedule.objects.filter(name="fairwave: merge_monthly").update(repeats=0)
    failed = jobs.open_job("merge_lake", Subject("lake", "days"))
    Job.objects.update(state="failed", error="disk", finished_at=timezone.now())
    jobs.open_job("merge_lake", Subject("lake", "months"))
    Alert.objects.create(text=":red_circle: The disk is full.")
    html = words(viewer)
    assert f'href="/admin/job/{failed.pk}/"' in html
    assert "1 job waits for a worker" in html
    assert "The disk is full." in html
    assert html.count('<span class="fw-badge fw-bad">late</span>') == 1
    assert html.count("switched off") == 1


def test_o5_each_part_is_for_those_who_may_see_it():
    a_letter()
    html = words(client_of(staff("looker", "operations.view_job")))
    for part in ("Records behind", "Dead letters", "All alerts"):
        assert part not in html
