"""A browser asks for a form, uploads to the bucket, and says so. [S-1]"""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.intake import arrivals
from campaigns.models import Arrival, Campaign
from operations.models import Job
from operations.tasks import run_job
from tests.campaigns.intake.browser_upload_cases import ask, report_done, upload
from tests.support import cloud
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_s1_an_upload_reported_twice_is_taken_in_once(aws, client, campaign):
    permit = ask(client, campaign)
    upload(permit)
    pages = [report_done(client, campaign, permit).json()["page"] for _ in range(2)]
    run_job(Job.objects.get().pk)
    pages.append(report_done(client, campaign, permit).json()["page"])
    assert len(set(pages)) == 1
    assert (
        Arrival.objects.filter(campaign=campaign).count(),
        Job.objects.filter(kind=arrivals.JOB_KIND).count(),
    ) == (1, 1)


def test_s1_only_who_asked_can_report_an_upload_and_only_one_that_is_there(aws, client, campaign):
    permit = ask(client, campaign)
    nothing = report_done(client, campaign, permit)
    assert (nothing.status_code, "did not reach" in nothing.json()["error"]) == (409, True)
    upload(permit)
    other = client_of(staff("other", "campaigns.process_scores", "campaigns.view_campaign"))
    assert "another user" in report_done(other, campaign, permit).json()["error"]
    assert "another campaign" in report_done(client, make_campaign(), permit).json()["error"]
    assert (
        "not started here"
        in report_done(client, campaign, {"token": permit["token"][:-2] + "xx"}).json()["error"]
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
