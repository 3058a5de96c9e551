"""The page of a job: how far it is, and steering it. [O-1, O-5]"""

from __future__ import annotations

import time
from unittest import mock

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from campaigns.models import RegistrationImport
from campaigns.registrations import imports
from operations import foreground, jobs
from operations.job_kinds import registered
from operations.models import Job
from operations.subjects import Subject
from tests.support.campaigns import in_memory, make_campaign
from tests.support.people import client_of, member_of, staff
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_a_job_is_paused_and_goes_on(client):
    campaign = campaign_with(fans=1)
    job = jobs.open_job("process_scores", Subject("score_file", str(campaign.active_score_file_id)))
    assert client.get(f"/admin/job/{job.pk}/live/").status_code == 200
    client.post(f"/admin/job/{job.pk}/pause/")
    job.refresh_from_db()
    assert job.state == "paused"
    assert client.get(f"/admin/job/{job.pk}/live/").headers["HX-Refresh"] == "true"
    client.post(f"/admin/job/{job.pk}/resume/")
    job.refresh_from_db()
    assert job.state == "queued"


def test_steering_a_job_needs_the_right_of_what_it_works_on():
    job = jobs.open_job("import_registrations", Subject("registration_import", "1"))
    watcher = client_of(staff("watcher", "operations.view_job", "campaigns.process_scores"))
    assert "/cancel/" not in watcher.get(f"/admin/job/{job.pk}/").content.decode()
    assert watcher.post(f"/admin/job/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.parametrize("kind", [kind.name for kind in registered() if not kind.can_pause])
def test_a_job_that_cannot_be_paused_shows_no_button_and_refuses(client, kind):
    """[O-1]"""
    job = jobs.open_job(kind, Subject("wave", "12345_20260120"))
    Job.objects.filter(pk=job.pk).update(state="running")
    html = client.get(f"/admin/job/{job.pk}/").content.decode()
    assert f"/admin/job/{job.pk}/pause/" not in html
    assert f"/admin/job/{job.pk}/cancel/" not in html
    for how in ("pause", "cancel"):
        refused = client.post(f"/admin/job/{job.pk}/{how}/")
        assert "cannot be paused or cancelled" in str(
            next(iter(get_messages(refused.wsgi_request)))
        )
    job.refresh_from_db()
    assert (job.state, job.stop_requested) == ("running", "")


def test_an_import_that_only_publishes_can_be_paused_but_shows_no_button_to_cancel(client):
    """[O-1, C-5]"""
    found = imports.receive(make_campaign(), "fans", in_memory(b"x"), by=None)
    job = imports.open_job(found, by=None)
    Job.objects.filter(pk=job.pk).update(state="running")
    assert f"/admin/job/{job.pk}/cancel/" in client.get(f"/admin/job/{job.pk}/").content.decode()
    RegistrationImport.objects.update(finished=True)
    html = client.get(f"/admin/job/{job.pk}/").content.decode()
    assert f"/admin/job/{job.pk}/pause/" in html
    assert f"/admin/job/{job.pk}/cancel/" not in html


def test_the_page_of_what_a_job_works_on_has_buttons_for_who_may_steer_it_alone():
    """[O-5]"""
    found = imports.receive(make_campaign(), "fans", in_memory(b"x"), by=None)
    job = imports.open_job(found, by=None)
    looks = ("operations.view_job", "campaigns.view_registrationimport")
    importer = client_of(staff("importer", *looks, "campaigns.import_registrations"))
    for browser, has_button in ((client_of(staff("watcher", *looks)), False), (importer, True)):
        html = browser.get(f"/admin/registrations/{found.pk}/").content.decode()
        assert f"/admin/job/{job.pk}/live/" in html
        assert (f"/admin/job/{job.pk}/pause/" in html) == has_button


def test_x14_who_approves_resumes_a_second_count_but_no_preparation():
    """The approval waits for it. [X-14, O-5]"""
    approver = client_of(member_of("approver", name="petra"))
    for kind, answer in (("count_wave", 302), ("prepare_wave", 403)):
        job = jobs.open_job(kind, Subject("wave", "12345_20260120"))
        Job.objects.filter(pk=job.pk).update(state="failed", error="broken")
        assert approver.post(f"/admin/job/{job.pk}/resume/").status_code == answer
        job.refresh_from_db()
        assert job.state == ("queued" if answer == 302 else "failed")


def test_who_may_only_prepare_does_not_steer_the_sending():
    """[O-5]"""
    job = jobs.open_job("send_wave", Subject("wave", "12345_20260120"))
    Job.objects.filter(pk=job.pk).update(state="failed", error="no")
    preparer = client_of(staff("preparer", "operations.view_job", "waves.prepare_wave"))
    sender = client_of(staff("sender", "operations.view_job", "waves.send_wave"))
    assert preparer.post(f"/admin/job/{job.pk}/resume/").status_code == 403
    assert sender.post(f"/admin/job/{job.pk}/resume/").status_code == 302
    job.refresh_from_db()
    assert job.state == "queued"


def test_the_ledger_so_far_is_seen_while_rows_are_judged(client):
    job = jobs.open_job("process_scores", Subject("score_file", "1"))
    Job.objects.filter(pk=job.pk).update(
        state="running", progress=7, total=20, rows_in=7, rows_out=5, rows_rejected=2
    )
    html = client.get(f"/admin/job/{job.pk}/live/").content.decode()
    assert "7 rows checked = <b>5</b> accepted + <b>2</b> rejected" in html
    assert "35%" in html


def running(**values: object) -> Job:
    job = jobs.open_job("process_scores", Subject("score_file", "1"))
    Job.objects.filter(pk=job.pk).update(state="running", **values)
    return job


def live(client: Client, job: Job, heard: str = "") -> str:
    return client.get(f"/admin/job/{job.pk}/live/", {"heard": heard}).content.decode()


def test_a_job_says_step_rows_speed_and_time_left(client, monkeypatch):
    """[O-1]"""
    now = 1_800_000_000.0
    monkeypatch.setattr(foreground, "time", mock.Mock(wraps=time, time=lambda: now))
    samples = [[now - 10, 300_000]]
    job = running(
        pace={"step": "Judging rows", "rows": 2_000_000, "samples": samples},
        progress=1_200_000,
        total=2_000_000,
    )
    html = live(client, job)
    pace = "90,000 per second, about 9 seconds left"
    assert f"Judging rows: 1.2 million of 2 million rows, {pace}" in html


def test_a_job_that_waits_again_claims_no_speed(client):
    samples = [[time.time() - 10, 0]]
    job = running(
        pace={"step": "Judging rows", "rows": 2_000, "samples": samples},
        progress=1_000,
        total=2_000,
    )
    Job.objects.filter(pk=job.pk).update(state="paused")
    html = live(client, job)
    assert "Judging rows: 1,000 of 2,000 rows" in html
    assert "a second" not in html


def test_a_screen_reader_hears_of_a_tenth_once(client):
    job = running(pace={"step": "Judging rows", "rows": 2_000}, progress=620, total=2_000)
    first = live(client, job, heard="Judging rows 2")
    assert 'hx-swap-oob="innerHTML">31 percent. Judging rows: 620 of 2,000 rows' in first
    assert "heard=Judging%20rows%203" in first
    Job.objects.filter(pk=job.pk).update(progress=700)
    assert "hx-swap-oob" not in live(client, job, heard="Judging rows 3")
    Job.objects.filter(pk=job.pk).update(progress=810)
    assert "hx-swap-oob" in live(client, job, heard="Judging rows 3")


def test_the_part_that_is_drawn_each_second_is_no_live_region_itself(client):
    job = running(progress=620, total=2_000)
    assert 'role="status"' not in live(client, job)
    html = client.get(f"/admin/job/{job.pk}/").content.decode()
    assert html.count('id="job-heard"') == 1
    assert '<p id="job-heard" class="fw-hidden" role="status"></p>' in html
