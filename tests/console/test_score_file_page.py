"""A score file's page and its campaign's, while a worker has the file and once it is through. [S-7,
S-13 … S-15]
"""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns import opening
from campaigns.models import ScoreFile
from campaigns.scoring import activation, score_files
from console.charts.svg import bars
from operations import jobs, tasks
from operations.models import Job
from tests.support.campaigns import make_campaign, process_scores, receive_scores
from tests.support.people import client_of, member_of
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(tasks, "async_task", lambda *arguments, **options: None)
    return client_of(member_of("operator"))


def head(client: Client, file: ScoreFile) -> str:
    """The part that the page asks for again."""
    answer = client.get(
        f"/admin/score-file/{file.pk}/", headers={"HX-Request": "true", "HX-Target": "stands"}
    )
    return answer.content.decode()


def test_the_head_follows_the_file_while_a_worker_has_it(client):
    file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(file, by=None)
    waiting = head(client, file)
    assert waiting.lstrip().startswith('<div id="stands"')
    assert 'hx-trigger="every 2s"' in waiting
    assert ">uploaded</span>" in waiting
    jobs.claim(job.pk)
    assert ">processing</span>" in head(client, file)


def test_nothing_is_asked_for_again_once_the_file_is_through(client):
    file = process_scores(make_campaign(), messy())
    assert "hx-trigger" not in head(client, file)
    assert ">streamed</span>" in head(client, file)


def test_bands_stand_in_their_own_order_whatever_their_sizes():
    drawn = bars({"low": 3, "high": 1, "mid": 2}, 6, "by band", order=["high", "mid", "low"])
    assert drawn.index("High") < drawn.index("Mid") < drawn.index("Low")


def test_the_undoing_of_a_switch_names_the_file_that_counts_again(client):
    campaign = make_campaign()
    first, second = process_scores(campaign, messy(20)), process_scores(campaign, messy(30))
    asked = client.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    assert f"{first.name} (attempt 1) becomes active again" in asked
    answer = client.post(
        f"/admin/campaign/{campaign.campaign_id}/undo-activation/", follow=True
    ).content.decode()
    assert f"{first.name} is active again" in answer
    activation.undo(campaign.pk, by=None)
    assert ScoreFile.objects.get(pk=second.pk).is_drawn
    assert (
        "Undo the last change"
        not in client.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    )


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
    waiting = receive_scores(campaign, messy(25))
    places = [
        f"/admin/campaign/{campaign.campaign_id}/",
        *(f"/admin/score-file/{file.pk}/" for file in (first, active, waiting)),
    ]
    offers = ("Undo the last change", "Make active", ">Process<", "Check all rows")

    def offered() -> set[str]:
        pages = "".join(client.get(place).content.decode() for place in places)
        return {offer for offer in offers if offer in pages}

    assert offered() == set(offers)
    opening.close_campaign(campaign.pk, by=None)
    assert offered() == set()
