"""A browser asks for a form, uploads to the bucket, and says so. [S-1]"""

from __future__ import annotations

import pytest

from campaigns.intake import arrivals
from campaigns.models import Arrival
from operations.models import Job
from operations.tasks import run_job
from tests.campaigns.intake.browser_upload_cases import ask, report_done, upload
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db(transaction=True)


def test_s1_an_upload_reported_twice_is_taken_in_once(aws, operator, campaign):
    permit = ask(operator, campaign)
    upload(permit)
    pages = [report_done(operator, campaign, permit).json()["page"] for _ in range(2)]
    run_job(Job.objects.get().pk)
    pages.append(report_done(operator, campaign, permit).json()["page"])
    assert len(set(pages)) == 1
    assert (
        Arrival.objects.filter(campaign=campaign).count(),
        Job.objects.filter(kind=arrivals.JOB_KIND).count(),
    ) == (1, 1)


def test_s1_only_who_asked_can_report_an_upload_and_only_one_that_is_there(aws, operator, campaign):
    permit = ask(operator, campaign)
    nothing = report_done(operator, campaign, permit)
    assert (nothing.status_code, "did not reach" in nothing.json()["error"]) == (409, True)
    upload(permit)
    other = client_of(staff("other", "campaigns.process_scores", "campaigns.view_campaign"))
    assert "another user" in report_done(other, campaign, permit).json()["error"]
    assert "another campaign" in report_done(operator, make_campaign(), permit).json()["error"]
    assert (
        "not started here"
        in report_done(operator, campaign, {"token": permit["token"][:-2] + "xx"}).json()["error"]
    )
    assert not Job.objects.exists()


def test_s1_a_campaign_that_is_not_open_gets_no_form(aws, operator):
    draft = make_campaign(opened=False)
    asked = operator.post(f"/admin/campaign/{draft.campaign_id}/scores/permit/", {"name": "x"})
    assert (asked.status_code, "possible only while it is open" in asked.json()["error"]) == (
        409,
        True,
    )


def test_s1_a_file_named_for_another_campaign_is_refused_before_it_is_sent(aws, operator, campaign):
    asked = operator.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/permit/", {"name": "other.7.txt"}
    )
    assert (asked.status_code, "Choose the right campaign" in asked.json()["error"]) == (409, True)
