"""The pages of fan lists: ranks are uploaded, translated in the background, and what they became is
shown. [S-15, O-7]
"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns import tasks
from campaigns.models import Campaign, FanList, RankFile, ScoreFile
from operations import jobs
from operations.choices import JobState
from operations.models import Job
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db

RANKS = b"rank,global_user_id,email\n1,fan-1,one@mail.example\n2,fan-2,two@mail.example\n"


@pytest.fixture
def operator() -> Client:
    return client_of(member_of("operator"))


def upload(client: Client, campaign: Campaign, content: bytes = RANKS, **fields: str):
    file = SimpleUploadedFile("ranks.csv", content)
    return client.post(
        f"/admin/campaign/{campaign.campaign_id}/ranks/",
        {"file": file, "fanlist": "club", **fields},
        follow=True,
    )


def said(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_uploaded_ranks_are_stored_and_a_job_is_opened(operator):
    campaign = make_campaign()
    assert (
        "Upload rank file"
        in operator.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    )
    answer = upload(operator, campaign)
    rank_file = RankFile.objects.get()
    assert answer.redirect_chain == [(f"/admin/rank-file/{rank_file.pk}/", 302)]
    assert (rank_file.created_by.username, rank_file.activate) == ("operator-person", False)
    assert Job.objects.get().subject == ("rank_file", str(rank_file.pk))
    assert "Rank file of fan list <b>club</b>" in answer.content.decode()
    assert ">Translate<" not in answer.content.decode()


def test_the_page_leads_to_what_the_ranks_became(operator):
    campaign = make_campaign()
    upload(operator, campaign, activate="on")
    tasks.run_ranks(Job.objects.get().pk)
    score_file = ScoreFile.objects.get()
    assert score_file.activate_when_streamed
    html = operator.get(f"/admin/rank-file/{RankFile.objects.get().pk}/").content.decode()
    assert f"/admin/score-file/{score_file.pk}/" in html
    assert "<dt>Fans ranked</dt><dd>2</dd>" in html
    again = upload(operator, campaign)
    assert again.redirect_chain == [(f"/admin/score-file/{score_file.pk}/", 302)]
    assert "already uploaded" in said(again)[0]
    assert Job.objects.filter(kind="translate_ranks").count() == 1


def test_a_job_that_was_cancelled_can_be_begun_again(operator):
    upload(operator, make_campaign())
    job, page = Job.objects.get(), f"/admin/rank-file/{RankFile.objects.get().pk}/"
    assert operator.post(f"/admin/job/{job.pk}/cancel/").headers["Location"] == page
    assert ">Translate<" in operator.get(page).content.decode()
    operator.post(f"{page}start/")
    assert Job.objects.filter(state=JobState.QUEUED).count() == 1
    assert jobs.request_stop(job.pk, "cancel") is False


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"fanlist": "my list"}, "letters, digits and hyphens"),
        ({"fanlist": ""}, "Fan list: Enter a value."),
    ],
)
def test_what_cannot_be_taken_is_refused_with_one_clear_message_and_the_name_stays(
    operator, fields, complaint
):
    answer = upload(operator, make_campaign(), **fields)
    assert len(said(answer)) == 1
    assert complaint in said(answer)[0]
    assert f'value="{fields["fanlist"]}"' in answer.content.decode()
    assert not FanList.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"id,name\n1,x\n", "is missing the columns global_user_id and rank"),
        (b"\x1f\x8b broken", "cannot be unpacked"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_worker_and_the_page_says_so(
    operator, content, complaint
):
    """[S-15]"""
    answer = upload(operator, make_campaign(), content)
    tasks.tasks.run_job(Job.objects.get().pk)
    assert complaint in operator.get(answer.redirect_chain[0][0]).content.decode()


def test_a_list_of_another_campaign_is_refused(operator):
    upload(operator, make_campaign("one"))
    answer = upload(operator, make_campaign("two"), RANKS + b"3,fan-3,\n")
    assert "belongs to campaign one" in said(answer)[0]


def test_an_operator_registers_a_list_before_its_first_file_is_dropped(operator):
    campaign = make_campaign()
    answer = operator.post(
        "/admin/campaigns/fanlist/add/", {"fanlist_id": "club", "campaign": campaign.pk}
    )
    assert answer.status_code == 302
    club = FanList.objects.get()
    assert (club.fanlist_id, club.campaign) == ("club", campaign)
    assert "club" in operator.get("/admin/campaigns/fanlist/").content.decode()


def test_who_only_looks_registers_and_uploads_nothing():
    campaign, viewer = make_campaign(), client_of(member_of("viewer"))
    assert viewer.get("/admin/campaigns/fanlist/add/").status_code == 403
    assert upload(viewer, campaign).status_code == 403
    assert viewer.get("/admin/campaigns/rankfile/").status_code == 200


def test_without_the_right_to_score_files_the_page_does_not_lead_there():
    upload(client_of(member_of("operator")), make_campaign())
    tasks.run_ranks(Job.objects.get().pk)
    html = client_of(staff("looker", "campaigns.view_rankfile")).get(
        f"/admin/rank-file/{RankFile.objects.get().pk}/"
    )
    assert "/admin/score-file/" not in html.content.decode()
