"""A score file's page and its campaign's, while a worker has the file and once it is through. [S-7,
S-13 … S-15]
"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape
from pytest_django.fixtures import Settings

from campaigns import opening
from campaigns.models import Campaign, LateChange, ScoreFile
from campaigns.scoring import activation, score_files
from datalake.storage import buckets
from operations import leases, tasks
from operations.models import Job
from tests.console.page_cases import SCORES, said
from tests.support.campaigns import make_active, make_campaign, process_scores, receive_scores
from tests.support.people import client_of, member_of, why_late
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(tasks, "async_task", lambda *arguments, **options: None)
    return client_of(member_of("operator"))


def head(client: Client, file: ScoreFile) -> str:
    """The part that the page asks for again."""
    answer = client.get(
        f"/admin/score-file/{file.pk}/", headers={"HX-Request": "true", "HX-Target": "file-state"}
    )
    return answer.content.decode()


def test_the_head_follows_the_file_while_a_worker_has_it(client):
    file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(file, by=None)
    waiting = head(client, file)
    assert waiting.lstrip().startswith('<div id="file-state"')
    assert 'hx-trigger="every 2s"' in waiting
    assert ">uploaded</span>" in waiting
    leases.claim(job.pk)
    assert ">processing</span>" in head(client, file)


def test_nothing_is_asked_for_again_once_the_file_is_through(client):
    file = process_scores(make_campaign(), messy())
    assert "hx-trigger" not in head(client, file)
    assert ">streamed</span>" in head(client, file)


def test_the_undoing_of_a_switch_names_the_file_that_counts_again(client):
    """[S-8] It is late, so it needs a right and a reason, and says so."""
    campaign = make_campaign()
    first, second = process_scores(campaign, messy(20)), process_scores(campaign, messy(30))
    make_active(second)
    page = f"/admin/campaign/{campaign.campaign_id}/"
    undo = f"{page}undo-activation/"
    approver = client_of(member_of("approver", name="bob"))
    asked = approver.get(page).content.decode()
    assert f"{first.name} (attempt 1) becomes active again" in asked
    assert "is late: the luck could be known since" in asked
    assert (
        "does not have it" in client.post(undo, {"reason": "why not"}, follow=True).content.decode()
    )
    both = client_of(member_of("operator", "approver"))
    assert "Enter the reason" in both.post(undo, follow=True).content.decode()
    answer = both.post(undo, {"reason": "a mistake"}, follow=True).content.decode()
    assert f"{first.name} is active again" in answer
    activation.undo(campaign.pk, **why_late(campaign))
    assert ScoreFile.objects.get(pk=second.pk).is_drawn
    assert "Undo the last change" not in client.get(page).content.decode()


def test_s8_the_file_that_will_be_active_is_chosen_on_its_page_while_luck_cannot_be_known(client):
    campaign = make_campaign()
    first, second = (receive_scores(campaign, messy(n)) for n in (20, 30))
    assert "Choose as the active file" in head(client, first)
    client.post(f"/admin/score-file/{first.pk}/name/")
    assert ">will be active</span>" in head(client, first)
    assert second.name in head(client, second)
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    assert f'<dt>Will be active</dt><dd><a href="/admin/score-file/{first.pk}/">' in page
    score_files.process(score_files.open_job(first, by=None).pk)
    assert "Choose as the active file" not in head(client, second)


def test_s8_a_late_upload_asks_for_its_reason_and_is_never_active_by_itself(client):
    campaign = make_campaign()
    process_scores(campaign, messy(20))
    form = client.get(f"/admin/campaign/{campaign.campaign_id}/scores/").content.decode()
    assert "A score file of campaign" in form
    assert 'name="activate"' not in form
    refused = upload(client, campaign, SCORES.encode(), reason="the partner was slow")
    assert "operator-person does not have it" in " ".join(said(refused))
    both = client_of(member_of("operator", "approver"))
    upload(both, campaign, SCORES.encode(), activate="on", reason="the partner was slow")
    tasks.run_job(Job.objects.get(kind="take_arrival").pk)
    taken = ScoreFile.objects.latest("pk")
    assert (taken.late, taken.activate_when_streamed) == (True, False)
    assert LateChange.objects.get().reason == "the partner was slow"
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    assert page.count('<span class="fw-badge fw-warn">late</span>') == 1


def test_a_failed_job_can_be_tried_again_on_its_own_page(client):
    """Alerts lead there. [O-2]"""
    file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(file, by=None)
    Job.objects.filter(pk=job.pk).update(state="failed", error="the disk is full")
    html = client.get(f"/admin/job/{job.pk}/").content.decode()
    assert "the disk is full" in html
    assert f'action="/admin/job/{job.pk}/resume/"' in html
    viewer = client_of(member_of("viewer"))
    assert "resume" not in viewer.get(f"/admin/job/{job.pk}/").content.decode()


def test_once_a_campaign_is_closed_nothing_is_offered_that_would_be_refused(client):
    """[C-2]"""
    campaign = make_campaign()
    first, active = process_scores(campaign, messy(20)), process_scores(campaign, messy(30))
    make_active(active)
    waiting = receive_scores(campaign, messy(25))
    places = [
        f"/admin/campaign/{campaign.campaign_id}/",
        *(f"/admin/score-file/{file.pk}/" for file in (first, active, waiting)),
    ]
    offers = ("Undo the last change", "Make active", ">Process<", "Check all rows")

    both = client_of(member_of("operator", "approver"))

    def offered() -> set[str]:
        pages = "".join(both.get(place).content.decode() for place in places)
        return {offer for offer in offers if offer in pages}

    assert offered() == set(offers)
    opening.close_campaign(campaign.pk, by=None)
    assert offered() == set()


def upload(client: Client, campaign: Campaign, content: bytes, **fields: str) -> HttpResponse:
    file = SimpleUploadedFile(f"{campaign.campaign_id}.20260119.txt", content)
    address = f"/admin/campaign/{campaign.campaign_id}/scores/"
    return client.post(address, {"file": file, **fields})


def test_an_uploaded_score_file_is_taken_in_by_a_worker_and_its_job_opened(client):
    """[S-1] The process that serves the page does not look into it."""
    campaign = make_campaign()
    answer = upload(client, campaign, SCORES.encode(), activate="on")
    job = Job.objects.get()
    assert answer.url == f"/admin/arrival/{job.subject_id}/"
    assert not ScoreFile.objects.exists()
    assert "Waiting for a worker" in client.get(answer.url).content.decode()
    tasks.run_job(job.pk)
    score_file = ScoreFile.objects.get(name=f"{campaign.campaign_id}.20260119.txt")
    taken = client.get(answer.url, follow=True)
    assert taken.redirect_chain == [(f"/admin/score-file/{score_file.pk}/", 302)]
    assert score_file.activate_when_streamed
    assert Job.objects.filter(subject_id=score_file.pk, kind="process_scores").exists()
    assert "Waiting for a worker" in taken.content.decode()
    assert list(buckets.scoring().list("uploads/")) == []


def test_an_uploaded_score_file_can_be_tried_first(client):
    """[S-3]"""
    answer = upload(client, make_campaign(), SCORES.encode(), then="try")
    tasks.run_job(Job.objects.get().pk)
    assert (
        "Only the first rows were checked" in client.get(answer.url, follow=True).content.decode()
    )
    assert not Job.objects.filter(kind="process_scores").exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"id\tname\n1\tx\n", "is missing the columns"),
        (bytes(range(256)) * 40, ""),
        (b"\x1f\x8b broken", "cannot be unpacked"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_by_the_worker_and_the_page_says_so(
    client, content, complaint
):
    """[S-1]"""
    campaign = make_campaign()
    before = ScoreFile.objects.count()
    answer = upload(client, campaign, content)
    job = Job.objects.get()
    tasks.run_job(job.pk)
    job.refresh_from_db()
    assert complaint in job.error
    assert escape(job.error) in client.get(answer.url).content.decode()
    assert ScoreFile.objects.count() == before
    assert list(buckets.scoring().list("uploads/")) == []


def test_a_campaign_that_is_not_open_and_the_file_of_another_are_refused_at_once(client):
    """[C-2]"""
    campaign = make_campaign()
    other = SimpleUploadedFile("other.1.txt", SCORES.encode())
    address = f"/admin/campaign/{campaign.campaign_id}/scores/"
    assert "contains campaign other" in said(client.post(address, {"file": other}))[0]
    opening.close_campaign(campaign.pk, by=None)
    assert "open" in said(upload(client, campaign, SCORES.encode()))[0]
    assert not Job.objects.exists()
    assert list(buckets.scoring().list("uploads/")) == []


def test_a_file_above_the_limit_is_refused_without_being_kept(client, settings: Settings):
    campaign = make_campaign()
    settings.UPLOAD_MAX_BYTES = 1000
    file = SimpleUploadedFile("scores.txt", SCORES.encode() * 50)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file})
    assert "larger than 1,000 bytes" in said(answer)[0]
    assert not ScoreFile.objects.exists()


def test_a_stranger_uploads_nothing():
    campaign = make_campaign()
    file = SimpleUploadedFile("scores.txt", SCORES.encode())
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post(f"/admin/campaign/{campaign.campaign_id}/scores/", {"file": file})
    assert answer.status_code in (302, 403)
    assert not answer.wsgi_request.FILES


def test_the_same_bytes_again_lead_to_the_file_they_are(client):
    campaign = make_campaign()
    for _ in range(2):
        answer = upload(client, campaign, SCORES.encode())
        tasks.run_job(Job.objects.filter(kind="take_arrival").latest("id").pk)
        taken = client.get(answer.url, follow=True)
    assert "already uploaded" in said(taken)[0]
    assert ScoreFile.objects.filter(name=f"{campaign.campaign_id}.20260119.txt").count() == 1


def test_who_may_do_it_late_finds_the_forms_when_it_is_late_and_needs_no_other_right(client):
    """The approver; the operator finds them before. [S-8, O-5]"""
    campaign, approver = make_campaign(), client_of(member_of("approver", name="bob"))
    upload = f"/admin/campaign/{campaign.campaign_id}/scores/"
    named = receive_scores(campaign, messy())

    def offers(who: Client) -> bool:
        page = who.get(f"/admin/campaign/{campaign.campaign_id}/")
        return "Upload score file" in page.content.decode()

    def send(who: Client) -> str:
        file = SimpleUploadedFile("x.txt", SCORES.encode())
        return str(said(who.post(upload, {"file": file, "reason": "a mistake"}, follow=True)))

    assert (offers(client), offers(approver)) == (True, False)
    assert "is not late" in send(approver)
    assert approver.post(f"/admin/score-file/{named.pk}/start/").status_code == 403
    score_files.process(score_files.open_job(named, by=None).pk)
    assert (offers(client), offers(approver)) == (False, True)
    assert "is late" in send(client)
    assert send(approver) == "[]"
    late = process_scores(Campaign.objects.get(pk=campaign.pk), SCORES.encode())
    assert "Make active" in head(approver, late)
    assert "Make active" not in head(client, late)
    activate = f"/admin/score-file/{late.pk}/activate/"
    approver.post(activate, {"reason": "a mistake"})
    assert Campaign.objects.get(pk=campaign.pk).active_score_file_id == late.pk
