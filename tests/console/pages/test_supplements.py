"""A score file's page takes its corrected rejected rows, and shows what became of them. [S-14,
O-7]
"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns import tasks
from campaigns.models import ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import score_files
from datalake.storage import buckets
from operations.models import Job
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.people import client_of, member_of, staff
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)
FORM = "Upload the corrected rejected rows"


@pytest.fixture
def client() -> Client:
    return client_of(member_of("operator", "approver"))


@pytest.fixture
def parent() -> ScoreFile:
    return process_scores(
        make_campaign(), score_file_bytes([score_row(1), score_row(2, raw_local_fanscore="n/a")])
    )


def corrected(parent: ScoreFile) -> bytes:
    return read(parent.rejected_key).replace(b"n/a", b"0.9")


def upload(client: Client, parent: ScoreFile, content: bytes, **fields: str) -> str:
    file = SimpleUploadedFile("corrected.csv", content, "text/csv")
    address = f"/admin/score-file/{parent.pk}/supplement/"
    return client.post(
        address, {"file": file, "reason": "a test", **fields}, follow=True
    ).content.decode()


def page_of(client: Client, score_file: ScoreFile) -> str:
    return client.get(f"/admin/score-file/{score_file.pk}/").content.decode()


def work_off() -> ScoreFile:
    tasks.run_supplement(Job.objects.get(kind="compose_supplement").pk)
    made = ScoreFile.objects.latest("id")
    return score_files.process(score_files.open_job(made, by=None).pk)


def test_s14_the_page_keeps_the_file_and_leaves_the_work_to_a_worker(client, parent):
    html = upload(client, parent, corrected(parent))
    assert "The corrected rows were uploaded" in html
    assert "Waiting for a worker" in html
    assert ScoreFile.objects.count() == 1
    (key,) = buckets.scoring().list("supplements/")
    assert read(key) == corrected(parent)
    child = work_off()
    assert (child.late, child.activate_when_streamed) == (True, False)
    assert child.created_by is not None
    assert child.created_by.username == "operator-approver-person"


def test_s14_parent_and_supplement_lead_to_each_other_and_say_how_many_rows_came_back(
    client, parent
):
    upload(client, parent, corrected(parent))
    child = work_off()
    html = page_of(client, parent)
    assert f'href="/admin/score-file/{child.pk}/"' in html
    assert "1 of 1" in html
    assert "Waiting for a worker" not in html
    html = page_of(client, child)
    assert f'href="/admin/score-file/{parent.pk}/"' in html
    assert "<b>1</b> of its 1 rejected rows, corrected" in html
    assert "<b>1</b> of the corrected rows is now accepted" in html
    assert FORM not in html  # nothing of it was rejected


@pytest.mark.parametrize("content", [b"", b"id;line;reason\n1;2;no_contact\n"])
def test_s14_a_file_that_cannot_be_it_is_refused_by_the_worker_and_the_page_says_so(
    client, parent, content
):
    upload(client, parent, content)
    tasks.tasks.run_job(Job.objects.get(kind="compose_supplement").pk)
    assert "The corrected file" in page_of(client, parent)
    assert ScoreFile.objects.count() == 1


def test_a_refusal_leads_to_the_top_of_the_page_where_it_stands(client, parent):
    address = f"/admin/score-file/{parent.pk}/supplement/"
    assert client.post(address).url == f"/admin/score-file/{parent.pk}/"
    good = SimpleUploadedFile("c.csv", corrected(parent))
    assert client.post(address, {"file": good, "reason": "a test"}).url.endswith("#supplements")


def test_s14_a_post_without_a_file_says_so(client, parent):
    html = client.post(f"/admin/score-file/{parent.pk}/supplement/", follow=True).content.decode()
    assert "File: Choose a file." in html


def test_s14_what_the_worker_refused_stands_on_the_page_and_on_the_jobs_page(client, parent):
    upload(client, parent, corrected(parent).replace(b",3,invalid_score", b",3,no_contact"))
    job = Job.objects.get(kind="compose_supplement")
    tasks.tasks.run_job(job.pk)
    assert "Line 3 was rejected as invalid_score" in page_of(client, parent)
    html = client.get(f"/admin/job/{job.pk}/").content.decode()
    assert f"/admin/score-file/{parent.pk}/" in html


def test_s14_a_second_supplement_of_one_file_is_warned_of(client, parent):
    """It would not hold the rows of the first; a supplement of the supplement does."""
    warning = "A supplement contains only the corrections that you upload here."
    assert warning not in page_of(client, parent)
    upload(client, parent, corrected(parent))
    work_off()
    assert warning in page_of(client, parent)


def test_o7_only_who_may_process_scores_sees_the_form_and_can_send_it(parent):
    looker = client_of(staff("looker", "campaigns.view_scorefile"))
    assert FORM not in page_of(looker, parent)
    assert looker.post(f"/admin/score-file/{parent.pk}/supplement/").status_code == 403


def test_c2_a_closed_campaign_takes_no_corrections_and_shows_no_form(client, parent):
    assert FORM in page_of(client, parent)
    close_campaign(parent.campaign_id, by=None)
    assert FORM not in page_of(client, parent)
    assert "possible only while it is open" in upload(client, parent, corrected(parent))
