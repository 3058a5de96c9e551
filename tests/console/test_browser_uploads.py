"""Where the bucket is on S3, score files go there straight from the browser, and are taken in by a
job. [S-1]
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
import requests
from django.test import Client

from campaigns import tasks
from campaigns.intake import arrivals, browser_uploads
from campaigns.models import Arrival, Campaign, ScoreFile
from datalake.storage import buckets
from operations.models import Job
from operations.tasks import run_job
from tests.support import cloud
from tests.support.campaigns import make_campaign, score_file_bytes, score_row
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = score_file_bytes([score_row(1), score_row(2)])


@pytest.fixture
def aws(settings, monkeypatch):
    with cloud.running(settings, monkeypatch) as found:
        yield found


@pytest.fixture
def person():
    return member_of("operator")


@pytest.fixture
def client(person) -> Client:
    return client_of(person)


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


def ask(client: Client, campaign: Campaign, name: str = "") -> dict[str, Any]:
    asked = client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/permit/",
        {"name": name or f"{campaign.campaign_id}.7.txt"},
    )
    assert asked.status_code == 200
    return asked.json()


def upload(permit: dict[str, Any], content: bytes = CONTENT) -> requests.Response:
    return requests.post(permit["url"], data=permit["fields"], files={"file": ("blob", content)})


def tell(client: Client, campaign: Campaign, permit: dict[str, Any], **more: str):
    return client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/uploaded/",
        {"token": permit["token"]} | more,
    )


def test_s1_a_browsers_upload_becomes_a_score_file_of_the_person_who_sent_it(
    aws, client, person, campaign
):
    permit = ask(client, campaign)
    assert upload(permit).status_code == 204
    told = tell(client, campaign, permit, activate="on").json()
    (job,) = Job.objects.all()
    assert (job.kind, job.created_by) == (arrivals.JOB_KIND, person)
    assert "Waiting for a worker" in client.get(told["page"]).content.decode()
    run_job(job.pk)
    score_file = ScoreFile.objects.get()
    assert (score_file.name, score_file.timestamp) == (f"{campaign.campaign_id}.7.txt", "7")
    assert (score_file.created_by, score_file.activate_when_streamed) == (person, True)
    assert buckets.scoring().sha256(score_file.key) == score_file.sha256
    assert client.get(told["page"]).headers["Location"] == f"/admin/score-file/{score_file.pk}/"
    assert Job.objects.filter(kind="process_scores", created_by=person).count() == 1
    assert list(buckets.scoring().list("uploads/")) == []


def test_s3_a_browsers_upload_can_be_tried_first(aws, client, campaign):
    permit = ask(client, campaign)
    upload(permit)
    told = tell(client, campaign, permit, activate="on", then="try").json()
    run_job(Job.objects.get().pk)
    score_file = ScoreFile.objects.get()
    assert (score_file.state, score_file.trial["rows"]) == ("uploaded", CONTENT.count(b"\n") - 1)
    assert not Job.objects.filter(kind="process_scores").exists()
    assert (
        "Only the first rows were checked" in client.get(told["page"], follow=True).content.decode()
    )


def test_s1_the_form_holds_for_one_key_some_minutes_and_the_limits_size(
    aws, client, campaign, settings
):
    settings.UPLOAD_MAX_BYTES = 5_000
    permit = ask(client, campaign)
    policy = json.loads(base64.b64decode(permit["fields"]["policy"]))
    assert ["content-length-range", 1, 5_000] in policy["conditions"]
    assert {"key": permit["fields"]["key"]} in policy["conditions"]
    assert permit["fields"]["key"].startswith(f"presale/uploads/{campaign.campaign_id}/")
    assert permit["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert permit["most_bytes"] == 5_000
    ends = time.mktime(time.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert 0 < ends - time.time() <= browser_uploads.FORM_SECONDS


def test_s1_what_is_too_large_all_the_same_is_refused_and_does_not_stay(
    aws, client, campaign, settings
):
    permit = ask(client, campaign)
    upload(permit)
    settings.UPLOAD_MAX_BYTES = 10
    tell(client, campaign, permit)
    run_job(Job.objects.get().pk)
    assert "larger than 10 bytes" in Job.objects.get().error
    assert not ScoreFile.objects.exists()
    assert list(buckets.scoring().list("")) == []


def test_s1_told_twice_is_uploaded_once(aws, client, campaign):
    permit = ask(client, campaign)
    upload(permit)
    pages = [tell(client, campaign, permit).json()["page"] for _ in range(2)]
    run_job(Job.objects.get().pk)
    pages.append(tell(client, campaign, permit).json()["page"])
    assert len(set(pages)) == 1
    assert (
        Arrival.objects.filter(campaign=campaign).count(),
        Job.objects.filter(kind=arrivals.JOB_KIND).count(),
    ) == (1, 1)


def test_s1_only_who_asked_can_tell_and_only_of_what_is_there(aws, client, campaign):
    permit = ask(client, campaign)
    nothing = tell(client, campaign, permit)
    assert (nothing.status_code, "did not reach" in nothing.json()["error"]) == (409, True)
    upload(permit)
    other = client_of(staff("other", "campaigns.process_scores", "campaigns.view_campaign"))
    assert "somebody else" in tell(other, campaign, permit).json()["error"]
    assert "another campaign" in tell(client, make_campaign(), permit).json()["error"]
    assert (
        "not asked for"
        in tell(client, campaign, {"token": permit["token"][:-2] + "xx"}).json()["error"]
    )
    assert not Job.objects.exists()


def test_s1_a_campaign_that_is_not_open_gets_no_form(aws, client):
    draft = make_campaign(opened=False)
    asked = client.post(f"/admin/campaign/{draft.campaign_id}/scores/permit/", {"name": "x"})
    assert (asked.status_code, "possible only while it is open" in asked.json()["error"]) == (
        409,
        True,
    )


def test_s1_a_file_named_for_another_campaign_is_refused_before_it_is_sent(aws, client, campaign):
    asked = client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/permit/", {"name": "other.7.txt"}
    )
    assert (asked.status_code, "Choose the right campaign" in asked.json()["error"]) == (409, True)


def test_s1_only_the_page_of_score_files_may_speak_to_the_bucket(aws, client, campaign):
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/scores/")
    assert f"connect-src 'self' {aws.address};" in page.headers["Content-Security-Policy"] + ";"
    assert "fairwave/upload.js" in page.content.decode()
    for other in ("registrations/", ""):
        policy = client.get(f"/admin/campaign/{campaign.campaign_id}/{other}").headers[
            "Content-Security-Policy"
        ]
        assert aws.address not in policy


def test_s1_where_the_bucket_is_a_folder_files_come_through_the_form(client, campaign):
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/scores/")
    assert "connect-src" not in page.headers["Content-Security-Policy"]
    assert "upload.js" not in page.content.decode()
    asked = client.post(f"/admin/campaign/{campaign.campaign_id}/scores/permit/", {"name": "x"})
    assert (
        asked.status_code,
        "does not accept uploads from browsers" in asked.json()["error"],
    ) == (
        409,
        True,
    )


def test_s1_an_upload_that_nobody_told_of_is_removed_after_a_day(
    aws, client, campaign, monkeypatch
):
    upload(ask(client, campaign))
    tasks.look_for_dropped_files()
    assert len(list(buckets.scoring().list("uploads/"))) == 1
    monkeypatch.setattr(browser_uploads, "KEPT_SECONDS", -5)
    tasks.look_for_dropped_files()
    assert list(buckets.scoring().list("uploads/")) == []
    assert not Job.objects.exists()
