"""A dry run on the pages: chosen with the upload, asked for, shown; and job pages that say how fast
it goes. [S-3, O-1, O-7]
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.models import ScoreFile
from campaigns.scoring import dry_run, score_files
from datalake.storage import buckets
from operations import jobs, tasks
from operations.adminkit import unmasking
from operations.models import Job
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.people import client_of, member_of, staff
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> User:
    return member_of("operator")


@pytest.fixture
def client(operator: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(tasks, "async_task", lambda *arguments, **options: None)
    return client_of(operator)


def page(client: Client, file: ScoreFile) -> str:
    return client.get(f"/admin/score-file/{file.pk}/").content.decode()


def upload(client: Client, content: bytes, **values: str) -> Any:
    campaign = make_campaign()
    file = SimpleUploadedFile("scores.txt", content)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file} | values)
    tasks.run_job(Job.objects.get(kind="take_arrival").pk)
    return client.get(answer.url, follow=True)


def try_it(client: Client, file: ScoreFile, rows: str = "first") -> Any:
    return client.post(f"/admin/score-file/{file.pk}/try/", {"rows": rows}, follow=True)


def test_an_upload_can_be_tried_before_it_counts(client):
    html = upload(client, messy(), then="try", activate="on").content.decode()
    file = ScoreFile.objects.get()
    assert (file.state, file.activate_when_streamed) == ("uploaded", True)
    assert not Job.objects.exclude(kind="take_arrival").exists()
    assert not file.scores.exists()
    assert "Only the first rows were checked" in html
    assert f"<b>{file.dry_run['accepted']}</b> would be accepted" in html
    assert ">Process<" in html
    assert "Check all rows" in html


@pytest.mark.parametrize("values", [{}, {"then": "process"}])
def test_an_upload_is_processed_at_once_unless_asked_otherwise(client, values):
    upload(client, messy(), **values)
    assert Job.objects.latest("id").kind == score_files.JOB_KIND
    assert ScoreFile.objects.get().dry_run is None


def test_an_upload_whose_dry_run_is_refused_is_still_there_and_its_page_says_why(
    client, monkeypatch
):
    monkeypatch.setattr(dry_run, "first_look", refuse)
    answer = upload(client, messy(), then="try")
    file = ScoreFile.objects.get()
    assert answer.redirect_chain[-1][0] == f"/admin/score-file/{file.pk}/"
    tasks.run_job(Job.objects.get(kind=dry_run.JOB_KIND).pk)
    assert "the bucket is away" in page(client, file)
    assert file.state == "uploaded"


def refuse(*arguments: object) -> None:
    raise dry_run.CannotDryRun("the bucket is away")


def test_all_rows_are_tried_by_a_worker_and_then_the_file_is_processed(client):
    file = receive_scores(make_campaign(), messy())
    html = try_it(client, file, "all").content.decode()
    job = Job.objects.get(kind=dry_run.JOB_KIND)
    assert "Waiting for a worker" in html
    assert "Check all rows" not in html
    dry_run.check_all_rows(job.pk)
    html = page(client, file)
    assert "All rows were checked" in html
    client.post(f"/admin/score-file/{file.pk}/start/")
    score_files.process(Job.objects.get(kind=score_files.JOB_KIND).pk)
    html = page(client, file)
    assert "Every row has one outcome" in html
    assert "Dry run" not in html


def test_a_dry_run_that_was_stopped_leaves_the_way_to_processing_open(client):
    file = receive_scores(make_campaign(), messy())
    try_it(client, file, "all")
    jobs.request_stop(Job.objects.get().pk, "pause")
    html = page(client, file)
    assert "Resume" in html
    assert ">Process<" in html


def test_the_work_that_is_not_over_is_shown_though_a_newer_job_is(client):
    file = receive_scores(make_campaign(), messy())
    processing = score_files.open_job(file, by=None)
    Job.objects.filter(pk=processing.pk).update(state="failed", error="the disk is full")
    dry_run.check_all_rows(dry_run.open_job(file, by=None).pk)
    assert jobs.requeue(processing.pk)
    assert f"/admin/job/{processing.pk}/live/" in page(client, file)


def test_a_dry_run_of_what_was_judged_is_refused_in_words(client):
    answer = try_it(client, process_scores(make_campaign()))
    assert "only before the file is processed" in str(next(iter(answer.context["messages"])))


def test_rejected_rows_are_shown_only_to_who_asked_to_see_personal_data(client, operator):
    """[O-5]"""
    secret = score_row(7, tmemail="someone@mail.example", raw_local_fanscore="n/a")
    file = receive_scores(make_campaign(), score_file_bytes([score_row(1), secret]))
    html = try_it(client, file).content.decode()
    assert "Line 3" in html
    assert "someone@mail.example" not in html
    client.post(
        "/admin/personal-data/",
        {"reason": "a fan asked about it", "next": f"/admin/score-file/{file.pk}/"},
    )
    assert "someone@mail.example ⇥ " in page(client, file)
    viewer = client_of(staff("looker", "campaigns.view_scorefile"))
    session = viewer.session
    session[unmasking.SESSION_KEY] = time.time() + 60
    session.save()
    html = page(viewer, file)
    assert "Line 3" in html
    assert "someone@mail.example" not in html
    assert "Check all rows" not in html


def test_a_page_of_a_dry_run_opens_though_the_file_is_gone(client):
    file = receive_scores(make_campaign(), messy())
    try_it(client, file)
    client.post("/admin/personal-data/", {"reason": "a fan asked about it", "next": "/admin/"})
    buckets.scoring().delete(file.key)
    assert "too far into the file to be shown here" in page(client, file)


def live(client: Client, job: Job, heard: str = "") -> str:
    return client.get(f"/admin/job/{job.pk}/live/", {"heard": heard}).content.decode()
