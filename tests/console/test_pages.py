"""The pages of campaigns, files, jobs and waves: they show what stands, and a refusal becomes a
message. [O-7, W-2]
"""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from campaigns.models import Campaign, RegistrationImport, RejectedRegistration, ScoreFile
from console.models import PersonalDataAccess
from datalake.storage import buckets
from operations import jobs, tasks
from operations.models import Job, StatusChange
from operations.subjects import Subject
from tests.support.people import client_of, member_of, staff
from tests.support.sending import triggered_wave
from tests.support.waves import KEY, NOTIFY, NOW, campaign_with, request
from waves import approval, schedule
from waves.models import Wave
from waves.preparation import prepare
from waves.sending import send_rows

pytestmark = pytest.mark.django_db

HEADER = "id\ttmemail\tsms\tglobal_user_id\tmember_id\traw_local_fanscore\tcountry_code"
SCORES = f"{HEADER}\n1\ta@example.com\t2065550100\tu1\tm1\t0.97\tUS\n2\tb@example.com\t2065550101\tu2\tm2\t0.10\tUS\n"


@pytest.fixture
def administrator() -> User:
    return member_of("administrator")


@pytest.fixture
def client(administrator: User) -> Client:
    return client_of(administrator)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def prepared(client: Client | None = None) -> Wave:
    campaign = campaign_with(fans=30)
    wave = prepare.prepare(
        request(campaign), by=User.objects.get_or_create(username="preparer")[0], now=NOW
    ).wave
    wave.refresh_from_db()
    return wave


def a_draft() -> Campaign:
    return Campaign.objects.create(
        campaign_id="drafted", name="Autumn Tour", entropy_source="drand round 7"
    )


def test_the_first_page_shows_where_each_campaign_stands_and_what_is_next(client):
    campaign_with(fans=3)
    html = client.get("/admin/").content.decode()
    assert "Spring Tour" in html
    assert "Upload the registrations." in html


def test_opening_a_draft_fixes_its_draw(client):
    campaign = a_draft()
    client.post("/admin/campaign/drafted/open/")
    campaign.refresh_from_db()
    assert campaign.status == "open"
    assert campaign.commitment in client.get("/admin/campaign/drafted/").content.decode()


def test_the_public_value_is_entered_once_and_never_again(client):
    a_draft()
    client.post("/admin/campaign/drafted/open/")
    client.post("/admin/campaign/drafted/entropy/", {"value": " 8f3a "})
    second = client.post("/admin/campaign/drafted/entropy/", {"value": "other"}, follow=True)
    assert Campaign.objects.get().entropy_value == "8f3a"
    assert "was already entered" in said(second)[-1]


def test_a_refusal_is_a_message_on_the_page_and_nothing_changed(client):
    campaign = campaign_with(fans=1)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/open/", follow=True)
    assert "Only a draft can be opened" in said(answer)[0]
    assert not StatusChange.objects.exists()


def test_a_score_file_is_uploaded_and_its_job_opened(client):
    campaign = campaign_with(fans=1)
    file = SimpleUploadedFile(f"{campaign.campaign_id}.20260119.txt", SCORES.encode())
    answer = client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/",
        {"file": file, "activate": "on"},
        follow=True,
    )
    score_file = ScoreFile.objects.get(name=file.name)
    assert answer.redirect_chain == [(f"/admin/score-file/{score_file.pk}/", 302)]
    assert score_file.activate_when_streamed
    assert Job.objects.get().subject == ("score_file", str(score_file.pk))
    assert "Waiting for a worker" in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"id\tname\n1\tx\n", "lacks"),
        (bytes(range(256)) * 40, ""),
        (b"\x1f\x8b broken", ""),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_one_clear_message(client, content, complaint):
    campaign = campaign_with(fans=1)
    before = ScoreFile.objects.count()
    file = SimpleUploadedFile(f"{campaign.campaign_id}.20260119.txt", content)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file})
    assert len(said(answer)) == 1
    assert complaint in said(answer)[0]
    assert ScoreFile.objects.count() == before
    assert not Job.objects.exists()


def test_a_file_above_the_limit_is_refused_without_being_kept(client, settings: Settings):
    campaign = campaign_with(fans=1)
    settings.UPLOAD_MAX_BYTES = 1000
    file = SimpleUploadedFile("scores.txt", SCORES.encode() * 50)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file})
    assert "larger than 1,000 bytes" in said(answer)[0]
    assert ScoreFile.objects.count() == 1


def test_a_stranger_uploads_nothing():
    campaign = campaign_with(fans=1)
    file = SimpleUploadedFile("scores.txt", SCORES.encode())
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post(f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file})
    assert answer.status_code in (302, 403)
    assert not answer.wsgi_request.FILES


def test_the_same_bytes_again_lead_to_the_file_they_are(client):
    campaign = campaign_with(fans=1)
    for _ in range(2):
        file = SimpleUploadedFile(f"{campaign.campaign_id}.20260119.txt", SCORES.encode())
        answer = client.post(
            f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file}, follow=True
        )
    assert "already uploaded" in said(answer)[0]
    assert ScoreFile.objects.filter(name=file.name).count() == 1


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
    job = jobs.open_job("prepare_wave", Subject("wave", "12345_20260120"))
    watcher = client_of(staff("watcher", "operations.view_job", "campaigns.process_scores"))
    assert watcher.post(f"/admin/job/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert job.state == "queued"


def form_of(campaign: Campaign, **values: Any) -> dict[str, Any]:
    soon = timezone.now() + timezone.timedelta(days=3)
    return {
        "date_key": KEY,
        "notify_date": f"{soon:%Y-%m-%dT%H:%M}",
        "order": "by_preference",
        "markets": "",
        **values,
    }


def test_a_preview_writes_nothing_and_a_preparation_is_asked_for_with_the_same_form(client):
    campaign = campaign_with(fans=30)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    preview = client.post(address, form_of(campaign, preview="1"))
    assert preview.context["preview"]["selected"] == 10
    assert not Wave.objects.exists()
    answer = client.post(address, form_of(campaign, prepare="1", members_digest="x"), follow=True)
    wave = Wave.objects.get()
    assert wave.previewed_digest == "x"
    assert answer.redirect_chain == [(f"/admin/wave/{wave.name}/", 302)]
    assert Job.objects.get().subject == ("wave", wave.name)


def test_a_preview_says_at_once_that_less_than_a_day_is_left(client):
    campaign = campaign_with(fans=30)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    soon = f"{timezone.now():%Y-%m-%dT%H:%M}"
    values = form_of(campaign, preview="1", notify_date=soon) | {"expedite": ""}
    assert (
        "The notify date is less than a day away" in client.post(address, values).content.decode()
    )
    assert (
        "The notify date is less than a day away"
        not in client.post(address, values | {"expedite": "the band asks"}).content.decode()
    )


def test_the_ledger_so_far_is_seen_while_rows_are_judged(client):
    job = jobs.open_job("process_scores", Subject("score_file", "1"))
    Job.objects.filter(pk=job.pk).update(
        state="running", progress=7, total=20, rows_in=7, rows_out=5, rows_rejected=2
    )
    html = client.get(f"/admin/job/{job.pk}/live/").content.decode()
    assert "7 rows checked = <b>5</b> accepted + <b>2</b> rejected" in html
    assert "35 %" in html


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"date_key": "tomorrow"}, "YYYYMMDD"),
        ({"notify_date": "2026-03-08T02:30"}, "clocks change"),
        ({"notify_date": "2026-11-01T01:30"}, "clocks change"),
        ({"min_score": "1.5"}, "less than or equal to 1"),
    ],
)
def test_a_wave_that_cannot_be_meant_is_refused_beside_its_field(client, values, complaint):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    html = client.post(
        f"/admin/campaign/{campaign.campaign_id}/waves/new/",
        form_of(campaign, preview="1", **values),
    )
    assert complaint in html.content.decode()
    assert not Wave.objects.exists()


def test_an_unknown_market_in_the_markets_file_is_a_message(client):
    campaign = campaign_with(fans=3)
    text = "marketId,marketName,capacity,selectionTime\nnowhere,Nowhere,5,2026-01-01T00:00:00Z\n"
    file = SimpleUploadedFile("markets.csv", text.encode())
    answer = client.post(
        f"/admin/campaign/{campaign.campaign_id}/waves/new/",
        form_of(campaign, preview="1", markets_file=file),
    )
    assert "nowhere" in said(answer)[0]
    assert text.strip() in answer.content.decode(), (
        "what was read from the file stands in the form for the next try"
    )


def test_the_times_of_a_wave_are_the_campaigns_own(client):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    client.post(
        f"/admin/campaign/{campaign.campaign_id}/waves/new/",
        form_of(campaign, prepare="1", notify_date="2030-01-20T10:00"),
    )
    assert Wave.objects.get().notify_date.isoformat() == "2030-01-20T15:00:00+00:00"


def test_who_prepared_a_wave_is_told_that_another_person_approves(client, administrator):
    wave = prepared()
    Wave.objects.update(prepared_by=administrator, edited_by=administrator)
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "another person must approve it" in html
    assert "Approve this content" not in html
    answer = client.post(
        f"/admin/wave/{wave.name}/approve/", {"digest": wave.content_digest}, follow=True
    )
    assert "another person must approve" in said(answer)[0]
    wave.refresh_from_db()
    assert wave.state == "prepared"


def test_approval_is_of_the_digest_that_was_looked_at(client):
    wave = prepared()
    client.post(f"/admin/wave/{wave.name}/approve/", {"digest": "0" * 64})
    wave.refresh_from_db()
    assert wave.state == "prepared"
    client.post(f"/admin/wave/{wave.name}/approve/", {"digest": wave.content_digest})
    wave.refresh_from_db()
    assert wave.state == "approved"


def test_samples_show_what_fans_read_with_codes_masked(client):
    wave = prepared()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    code = wave.members.order_by("place").first().code
    assert "What fans will read" in html
    assert code not in html
    assert code[:2] + "•" * (len(code) - 2) in html


def test_a_wave_whose_date_is_long_past_cannot_be_scheduled(client):
    wave = prepared()
    client.post(f"/admin/wave/{wave.name}/approve/", {"digest": wave.content_digest})
    answer = client.post(f"/admin/wave/{wave.name}/schedule/", follow=True)
    wave.refresh_from_db()
    assert wave.state == "approved"
    assert "Prepare it again with a later notify date" in said(answer)[-1]


def sending_wave() -> Wave:
    wave = prepared()
    other = User.objects.create(username="approver")
    approval.approve(wave, by=other, digest=wave.content_digest, now=NOW)
    schedule.schedule(wave, by=other, now=NOW)
    schedule.trigger(wave, by=other, now=NOTIFY)
    return wave


def test_live_counters_pause_and_resume(client):
    wave = sending_wave()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "Sending</h2>" in html
    part = client.get(
        f"/admin/wave/{wave.name}/live/", {"state": "triggered", "at": "1.0", "settled": "0"}
    )
    assert part.context["sending"]["pending"] == 10
    assert "HX-Refresh" not in part.headers
    assert "a reason" in said(client.post(f"/admin/wave/{wave.name}/pause/", follow=True))[0]
    client.post(f"/admin/wave/{wave.name}/pause/", {"reason": "wrong text"})
    assert (
        client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"}).headers["HX-Refresh"]
        == "true"
    )
    client.post(f"/admin/wave/{wave.name}/resume/", {"reason": "it was right"})
    wave.refresh_from_db()
    assert wave.state == "triggered"
    assert Job.objects.filter(kind="send_wave", subject_id=wave.name).exists()


def test_the_bar_of_a_wave_shows_messages_for_a_fan_told_by_e_mail_may_still_wait_for_an_sms(
    client,
):
    """[N-6] Otherwise it stands near the end while most SMS are still to come."""
    wave = triggered_wave(4, phones=4, emails=4)
    send_rows.make_sends(wave)
    shown = client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"}).context["sending"]
    assert (shown["ok"], shown["pending"]) == (4, 0)
    assert (shown["settled"], shown["messages"], shown["share"]) == (4, 8, "50.0 %")


def test_a_paused_wave_says_no_speed_and_keeps_its_place_on_the_road(client):
    wave = sending_wave()
    client.post(f"/admin/wave/{wave.name}/pause/", {"reason": "wrong text"})
    page = client.get(
        f"/admin/wave/{wave.name}/", {"at": f"{timezone.now().timestamp() - 9}", "settled": "0"}
    )
    assert page.context["sending"]["rate"] is None
    assert dict(page.context["steps"])["triggered"] == "now"
    assert "fans notified; paused" in client.get("/admin/").content.decode()


def test_a_wave_cancelled_while_it_was_sent_says_what_became_of_its_fans(client):
    wave = sending_wave()
    client.post(f"/admin/wave/{wave.name}/cancel/", {"reason": "wrong text"})
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "Results" in html
    assert "was planned for" in html
    assert "Only 0 of" in html
    assert "/live/" not in html


def test_stopping_everything_needs_a_reason_and_is_written_down(client):
    client.post("/admin/stop-all/", {"reason": ""})
    assert not StatusChange.objects.exists()
    answer = client.post("/admin/stop-all/", {"reason": "wrong price in the text"}, follow=True)
    assert "All sending is stopped" in said(answer)[-1]
    assert all("wrong price in the text" in change.reason for change in StatusChange.objects.all())
    assert {change.by.username for change in StatusChange.objects.all()} == {"administrator-person"}
    assert "Stopped since" in client.get("/admin/providers/").content.decode()


def test_a_download_needs_a_reason_and_is_logged_before_it_leaves(client):
    wave = prepared()
    assert (
        "Enter the reason"
        in said(client.post(f"/admin/wave/{wave.name}/download/", follow=True))[0]
    )
    assert not PersonalDataAccess.objects.exists()
    answer = client.post(
        f"/admin/wave/{wave.name}/download/", {"reason": "the label wants the list"}
    )
    assert PersonalDataAccess.objects.get().subject == wave.zip_key
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as made:
        rows = list(csv.reader(io.StringIO(made.read("masterCodes/west.csv").decode())))
    assert len(rows) == 6
    assert all(row[4].startswith("'+1") for row in rows[1:])
    with zipfile.ZipFile(buckets.scoring().open(wave.zip_key)) as kept:
        assert ",+1206" in kept.read("masterCodes/west.csv").decode(), (
            "the machine's file stays verbatim"
        )


@pytest.mark.parametrize("cell", ["=1+1", "+12065550100", "-2", "@SUM(A1)", "\tx", "＝1"])
def test_a_rejected_row_cannot_run_in_a_spreadsheet(client, cell):
    campaign = campaign_with(fans=1)
    found = RegistrationImport.objects.create(
        campaign=campaign, name="r.csv", key="k", sha256="0" * 64, finished=True
    )
    RejectedRegistration.objects.create(
        registration_import=found, line=2, reason="malformed_row", raw=cell
    )
    answer = client.post(
        f"/admin/registrations/{found.pk}/download/", {"reason": "to mend the rows"}
    )
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[1] == ["2", "malformed_row", f"'{cell}"]


def test_one_fan_is_found_by_post_masked_and_logged(client):
    wave = prepared()
    member = wave.members.order_by("place").first()
    by_fan = {
        "campaign": wave.campaign_id,
        "fan": member.global_user_id,
        "reason": "the fan called",
    }
    html = client.post("/admin/find/", by_fan).content.decode()
    assert wave.name in html
    assert member.email not in html
    assert member.code not in html
    by_code = client.post("/admin/find/", {"code": member.code.lower(), "reason": "the fan called"})
    assert by_code.context["fan"] == member.global_user_id
    assert PersonalDataAccess.objects.filter(what="found").count() == 2
    assert (
        "Choose the campaign"
        in client.post(
            "/admin/find/", {"fan": "x", "reason": "nothing else known"}
        ).content.decode()
    )


def test_a_site_without_workers_lives_but_is_not_ready():
    assert Client().get("/healthz").json() == {"ok": True}
    ready = Client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json() | {"workers": ""} == {
        "ok": False,
        "database": "ok",
        "storage": "ok",
        "workers": "",
    }
    assert "no worker is running" in ready.json()["workers"]


def test_a_site_whose_workers_are_connected_is_ready_until_jobs_wait_too_long():
    with psycopg.connect(**psycopg_arguments(), application_name="fairwave qcluster"):
        assert Client().get("/readyz").json()["ok"]
        Job.objects.filter(pk=jobs.open_job("prepare_wave", Subject("wave", "1")).pk).update(
            created_at=NOW
        )
        assert "1 job has waited" in Client().get("/readyz").json()["workers"]


def psycopg_arguments() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {
        name: given[name]
        for name in ("dbname", "user", "password", "host", "port")
        if given.get(name)
    }


def test_many_who_watch_a_wave_count_it_once(client):
    wave = sending_wave()
    cache.clear()
    client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"})
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/admin/wave/{wave.name}/live/", {"state": "triggered"})
    assert not [query for query in asked if "waves_member" in query["sql"]]


def test_closing_reveals_the_draw_and_has_the_proof_written(client):
    campaign = campaign_with(fans=1)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/close/", follow=True)
    job = Job.objects.get()
    assert (job.kind, job.subject) == ("make_proof", ("campaign", campaign.campaign_id))
    assert "Create proof" in answer.content.decode()
    tasks.run_job(job.pk)
    html = client.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    assert f"/draws/{campaign.campaign_id}/proof.zip" in html


def test_a_proof_is_refused_while_the_campaign_is_open(client):
    campaign = campaign_with(fans=1)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/prove/", follow=True)
    assert "can be created after" in said(answer)[0]
    assert not Job.objects.exists()


def test_a_failed_wave_is_prepared_again_from_its_own_form(client):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    client.post(
        address, form_of(campaign, prepare="1", notify_date="2030-01-20T10:00", min_score="0.5")
    )
    wave = Wave.objects.get()
    Wave.objects.update(state="failed", error="no codes left")
    Job.objects.all().delete()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "no codes left" in html
    assert f"{address}?again={wave.name}" in html
    form = client.get(address, {"again": wave.name}).context["form"]
    assert form["notify_date"].value() == "2030-01-20T10:00"
    assert form["min_score"].value() == 0.5


def test_a_scheduled_waves_page_waits_quietly_and_loads_again_when_it_goes_out(client):
    wave = prepared()
    Wave.objects.filter(pk=wave.pk).update(
        state="scheduled",
        approved_digest=wave.content_digest,
        approved_by=User.objects.create(username="other"),
    )
    assert client.get(f"/admin/wave/{wave.name}/live/", {"state": "scheduled"}).status_code == 204
    Wave.objects.filter(pk=wave.pk).update(state="triggered")
    assert (
        client.get(f"/admin/wave/{wave.name}/live/", {"state": "scheduled"}).headers["HX-Refresh"]
        == "true"
    )
