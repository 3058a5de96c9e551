"""The pre-flight on a wave's page. [X-6]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from operations.models import Job
from tests.console.page_cases import prepared, said
from tests.support.people import client_of, member_of
from waves.models import Preflight, Wave
from waves.preflight.run import preflight

pytestmark = pytest.mark.django_db
RED = [{"name": "SMS provider", "ok": "red", "detail": "It cannot be reached."}]


@pytest.fixture
def approver():
    return client_of(member_of("approver", name="petra"))


def html_of(client, wave: Wave) -> str:
    return client.get(f"/admin/wave/{wave.name}/").content.decode()


def test_x6_the_page_shows_every_line_the_tables_and_the_samples(approver):
    wave = prepared()
    preflight(wave, by=User.objects.get(username="petra"))
    html = html_of(approver, wave)
    for words in ("Access codes", "SMS cost", "fw-badge fw-bad", "GSM-7", "longest", "shortest"):
        assert words in html
    assert "10 sample messages" in html
    codes = wave.members.values_list("code", flat=True)
    assert not any(code in html for code in codes)


def test_x6_an_old_result_runs_again_by_itself_and_is_not_approved_by(approver):
    wave = prepared()
    assert "Approve this content" in html_of(approver, wave)
    Preflight.objects.update(at=F("at") - timedelta(hours=1))
    html = html_of(approver, wave)
    assert "Approve this content" not in html
    asks = f'hx-post="/admin/wave/{wave.name}/preflight/"'
    assert asks in html
    answer = approver.post(f"/admin/wave/{wave.name}/preflight/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert Job.objects.get(kind="preflight_wave").created_by.username == "petra"
    assert asks not in html_of(approver, wave)  # it waits for a worker
    live = f"/admin/wave/{wave.name}/preflight/live/"
    shown = Preflight.objects.get(wave=wave).pk
    assert "HX-Refresh" not in approver.get(live, {"shown": shown}).headers
    preflight(wave, by=None)
    assert approver.get(live, {"shown": shown}).headers["HX-Refresh"] == "true"


def test_x6_a_pre_flight_that_runs_is_shown_once_and_its_end_loads_the_page_again(approver):
    wave = prepared()
    approver.post(f"/admin/wave/{wave.name}/preflight/")
    html = html_of(approver, wave)
    assert "<h3>Pre-flight" not in html
    assert "&amp;waits=yes" in html
    live = f"/admin/wave/{wave.name}/preflight/live/"
    asked = {"shown": Preflight.objects.get(wave=wave).pk, "waits": "yes"}
    assert "HX-Refresh" not in approver.get(live, asked).headers
    Job.objects.update(state="failed", error="The provider is away.")
    assert approver.get(live, asked).headers["HX-Refresh"] == "true"
    assert "The provider is away." in html_of(approver, wave)


def test_x6_a_pre_flight_that_failed_is_not_run_again_by_a_page_that_stays_open(approver):
    wave = prepared()
    Preflight.objects.update(at=F("at") - timedelta(hours=1))
    asks = f'hx-post="/admin/wave/{wave.name}/preflight/"'
    assert asks in html_of(approver, wave)
    approver.post(f"/admin/wave/{wave.name}/preflight/", headers={"HX-Request": "true"})
    Job.objects.update(state="failed", error="The provider is away.")
    html = html_of(approver, wave)
    assert asks not in html
    assert "preflight/live/" not in html
    assert "The pre-flight failed, as shown above. Fix that, then run it again." in html
    assert "Run pre-flight again" in html
    Job.objects.update(retry_at=timezone.now() + timedelta(minutes=1))
    html = html_of(approver, wave)
    assert "It is tried again automatically" in html
    assert "preflight/live/" in html  # its result loads the page again
    preflight(wave, by=None)  # by a command, without a job
    html = html_of(approver, wave)
    assert "The pre-flight failed" not in html
    assert "preflight/live/" not in html


def test_x6_a_page_that_shows_no_run_of_an_older_content_is_not_loaded_again_for_it(approver):
    wave = prepared()
    Wave.objects.filter(pk=wave.pk).update(content_digest="f" * 64)
    html = html_of(approver, wave)
    assert "The pre-flight is running." in html
    live = f"/admin/wave/{wave.name}/preflight/live/"
    assert f'hx-get="{live}?shown="' in html
    assert "HX-Refresh" not in approver.get(live, {"shown": ""}).headers
    wave.refresh_from_db()
    Preflight.objects.update(digest=wave.content_digest)
    assert approver.get(live, {"shown": ""}).headers["HX-Refresh"] == "true"


def test_x6_the_button_says_what_it_does_or_why_not(approver):
    wave = prepared()
    address = f"/admin/wave/{wave.name}/preflight/"
    assert said(approver.post(address, follow=True)) == ["The pre-flight is running."]
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    assert "is cancelled" in said(approver.post(address, follow=True))[0]
    viewer = client_of(member_of("viewer", name="vera"))
    assert viewer.post(address).status_code == 403


def test_x6_a_red_line_asks_the_approver_for_a_reason(approver):
    wave = prepared()
    Preflight.objects.update(checks=RED, reds=1)
    run = Preflight.objects.get(wave=wave)
    assert "The pre-flight has 1 red line. Why is the wave approved anyway?" in html_of(
        approver, wave
    )
    address = f"/admin/wave/{wave.name}/approve/"
    asked = {"digest": wave.content_digest, "preflight": run.pk}
    assert "1 red line" in said(approver.post(address, asked, follow=True))[0]
    other = asked | {"waiver": "it comes back tonight", "preflight": run.pk + 1}
    assert "has run again" in said(approver.post(address, other, follow=True))[0]
    approver.post(address, asked | {"waiver": "it comes back tonight"})
    wave.refresh_from_db()
    assert wave.state == "approved"
    assert "Waived by petra: it comes back tonight" in html_of(approver, wave)
