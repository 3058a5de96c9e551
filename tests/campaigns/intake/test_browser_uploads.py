"""Where the bucket is on S3, score files go there straight from the browser, and are taken in by a
job. [S-1]
"""

from __future__ import annotations

import base64
import json
import time

import pytest
from django.test import Client

from campaigns import tasks
from campaigns.errors import LateRefused, ListOutOfReach
from campaigns.intake import arrivals, browser_uploads
from campaigns.models import ScoreFile
from campaigns.scoring import rules
from datalake.storage import buckets
from datalake.storage.objects import BucketUnreachable
from datalake.storage.s3 import S3Bucket
from operations.choices import JobState
from operations.models import Job
from operations.tasks import run_job
from tests.campaigns.intake.browser_upload_cases import CONTENT, ask, report_done, upload
from tests.support.campaigns import (
    in_memory,
    make_campaign,
    process_scores,
    score_file_bytes,
    score_row,
)
from tests.support.people import client_of, keeper, member_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person():
    return member_of("operator")


@pytest.fixture
def client(person) -> Client:
    return client_of(person)


def test_s1_a_browsers_upload_becomes_a_score_file_of_the_person_who_sent_it(
    aws, client, person, campaign
):
    permit = ask(client, campaign)
    assert upload(permit).status_code == 204
    answer = report_done(client, campaign, permit, activate="on").json()
    (job,) = Job.objects.all()
    assert (job.kind, job.created_by) == (arrivals.JOB_KIND, person)
    assert "Waiting for a worker" in client.get(answer["page"]).content.decode()
    run_job(job.pk)
    score_file = ScoreFile.objects.get()
    assert (score_file.name, score_file.timestamp) == (f"{campaign.campaign_id}.7.txt", "7")
    assert (score_file.created_by, score_file.activate_when_streamed) == (person, True)
    assert buckets.scoring().sha256(score_file.key) == score_file.sha256
    assert client.get(answer["page"]).headers["Location"] == f"/admin/score-file/{score_file.pk}/"
    assert Job.objects.filter(kind="process_scores", created_by=person).count() == 1
    assert list(buckets.scoring().list("uploads/")) == []


def test_s3_a_browsers_upload_can_be_tried_first(aws, client, campaign):
    permit = ask(client, campaign)
    upload(permit)
    answer = report_done(client, campaign, permit, activate="on", then="try").json()
    run_job(Job.objects.get().pk)
    score_file = ScoreFile.objects.get()
    assert (score_file.state, score_file.dry_run["rows"]) == ("uploaded", CONTENT.count(b"\n") - 1)
    assert not Job.objects.filter(kind="process_scores").exists()
    assert (
        "Only the first rows were checked"
        in client.get(answer["page"], follow=True).content.decode()
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
    report_done(client, campaign, permit)
    run_job(Job.objects.get().pk)
    assert "larger than 10 bytes" in Job.objects.get().error
    assert not ScoreFile.objects.exists()
    assert list(buckets.scoring().list("")) == []


def test_s1_an_upload_that_nobody_reported_is_removed_after_a_day(
    aws, client, campaign, monkeypatch
):
    upload(ask(client, campaign))
    tasks.look_for_dropped_files()
    assert len(list(buckets.scoring().list("uploads/"))) == 1
    monkeypatch.setattr(browser_uploads, "KEPT_SECONDS", -5)
    tasks.look_for_dropped_files()
    assert list(buckets.scoring().list("uploads/")) == []
    assert not Job.objects.exists()


def away(*_, **__):
    raise BucketUnreachable("S3 did not do it: away")


def out_of_reach(*_, **__):
    raise ListOutOfReach("blacklist/emails.txt in the scoring bucket cannot be read (away).")


def test_s1_an_upload_that_could_not_be_deleted_is_deleted_with_the_next_try(
    aws, client, campaign, monkeypatch
):
    permit = ask(client, campaign)
    upload(permit)
    report_done(client, campaign, permit)
    job = Job.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr(S3Bucket, "delete", away)
        with pytest.raises(BucketUnreachable):
            run_job(job.pk)
    assert Job.objects.get().retry_at is not None
    Job.objects.update(state=JobState.QUEUED, retry_at=None, error="")
    run_job(job.pk)
    assert list(buckets.scoring().list("uploads/")) == []
    assert ScoreFile.objects.count() == Job.objects.filter(kind="process_scores").count() == 1


def test_s1_an_upload_that_met_a_list_out_of_reach_stays_for_the_next_try(
    aws, client, campaign, monkeypatch
):
    permit = ask(client, campaign)
    upload(permit)
    report_done(client, campaign, permit)
    with monkeypatch.context() as patch:
        patch.setattr(rules, "gather", out_of_reach)
        run_job(Job.objects.get().pk)
    assert Job.objects.get().retry_at is not None
    assert len(list(buckets.scoring().list("uploads/"))) == 1


def test_s8_a_late_upload_needs_its_reason_before_anything_is_stored():
    campaign, person = make_campaign(), keeper()
    process_scores(campaign)
    campaign.refresh_from_db()
    stored = list(buckets.scoring().list("uploads/"))
    with pytest.raises(LateRefused, match="Enter the reason"):
        browser_uploads.keep(campaign, "x", in_memory(CONTENT), by=person, activate=True)
    assert list(buckets.scoring().list("uploads/")) == stored


def test_s8_an_upload_that_became_late_on_its_way_waits_in_the_bucket():
    campaign, person = make_campaign(), keeper()
    arrival = browser_uploads.keep(
        campaign, "x", in_memory(score_file_bytes([score_row(7)])), by=person, activate=True
    )
    process_scores(campaign)
    job = browser_uploads.job_of(arrival)
    with pytest.raises(LateRefused):
        arrivals.take(job.pk)
    assert buckets.scoring().exists(arrival.key)
    arrivals.take_late(arrival, by=person, reason="it was on its way")
    taken = arrivals.take(job.pk)
    assert (taken.late, taken.activate_when_streamed) == (True, False)
    assert not buckets.scoring().exists(arrival.key)
