"""The page on which a list of fans is uploaded as a wave, and the wave's page then. [W-3, S-10,
O-7]
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from console.models import PersonalDataAccess
from console.proof.public_waves import public_waves
from operations.models import Job
from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with, counted
from tests.waves.uploads.lists import config_of, row, rows_of
from waves import tasks
from waves.models import Wave

pytestmark = pytest.mark.django_db
KEY = "20300101"


@pytest.fixture
def operator() -> Client:
    return client_of(member_of("operator"))


def in_a_week() -> str:
    return f"{timezone.now() + timedelta(days=7):%Y-%m-%dT%H:%M}"


def upload(client: Client, campaign: Campaign, rows=None, *, config: dict | None = None, **fields):
    usual = {"date_key": KEY, "reason": "guests of the band", "notify_date": in_a_week()}
    usual |= {"product_id": "P", "source": "S", "generate": "on"}
    usual["file"] = SimpleUploadedFile("wave.csv", rows_of([row(0)] if rows is None else rows))
    if config is not None:
        content = json.dumps(config).encode()
        usual["config_file"] = SimpleUploadedFile("config.json", content)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/upload/"
    return client.post(address, usual | fields, follow=True)


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def taken_in() -> Wave:
    tasks.run_upload(Job.objects.get(kind="upload_wave").pk)
    return Wave.objects.get()


def test_w1_the_form_begins_with_a_date_key_that_no_wave_has(operator):
    campaign = campaign_with(1)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/upload/"
    taken = operator.get(address).context["form"]["date_key"].value()
    now = timezone.now()
    Wave.objects.create(campaign=campaign, date_key=taken, name="taken", notify_date=now)
    assert operator.get(address).context["form"]["date_key"].value() == f"{taken}-2"


def test_w3_a_list_with_its_config_in_boxes_becomes_a_wave_that_its_page_shows(operator):
    campaign = campaign_with(5)
    shown = operator.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    assert "Upload wave" in shown
    assert (
        "Upload a wave"
        in operator.get(f"/admin/campaign/{campaign.campaign_id}/waves/upload/").content.decode()
    )
    answer = upload(operator, campaign, [row(0), row(1), row(1)], allow_intl="on")
    assert answer.redirect_chain == [(f"/admin/wave/{campaign.campaign_id}_{KEY}/", 302)]
    wave = taken_in()
    assert (wave.state, wave.selected, wave.options) == ("prepared", 2, {"allowIntlPhones": True})
    page = operator.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "Uploaded list" in page
    assert "guests of the band" in page
    assert "Duplicate of an earlier row" in page
    assert "Waiting list" not in page


def test_w3_a_config_file_counts_instead_of_the_boxes(operator):
    campaign = campaign_with(5)
    notify = timezone.now() + timedelta(days=9)
    config = config_of(campaign, notifyDate=notify.isoformat(), source="from the file")
    upload(operator, campaign, config=config, notify_date="", product_id="", source="")
    assert (Wave.objects.get().source, Wave.objects.get().notify_date) == ("from the file", notify)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"notify_date": ""}, "Notify date: Fill this in, or choose a config file."),
        ({"date_key": "tomorrow"}, "is not a date key"),
        ({"reason": ""}, "Enter why these fans are not drawn"),
        ({"config": {"campaignId": "x"}}, "is missing keys"),
        ({"rows": [], "file": SimpleUploadedFile("w.csv", b"a,b\n1,2\n")}, "missing the columns"),
    ],
)
def test_w3_what_is_refused_is_said_and_nothing_is_written(operator, fields, sentence):
    answer = upload(operator, campaign_with(5), **fields)
    assert sentence in said(answer)
    assert not Wave.objects.exists()


def test_w3_a_config_of_another_campaign_is_refused(operator):
    campaign, other = campaign_with(5), campaign_with(5)
    answer = upload(operator, campaign, config=config_of(other))
    assert f"but this page is for {campaign.campaign_id}" in said(answer)


def test_o7_rejected_rows_are_downloaded_with_a_reason_and_formulas_escaped(operator):
    campaign = campaign_with(5)
    upload(operator, campaign, [row(0), row(1, email="=HYPERLINK(1)", phone="")])
    wave = taken_in()
    address = f"/admin/wave/{wave.name}/rejected/"
    assert operator.post(address, {}).status_code == 302
    answer = operator.post(address, {"reason": "to correct them"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[1].endswith("'=HYPERLINK(1),,,3,no_contact")
    assert PersonalDataAccess.objects.get().reason == "to correct them"


def test_o5_an_approver_uploads_nothing():
    approver, campaign = client_of(member_of("approver")), campaign_with(5)
    assert upload(approver, campaign).status_code == 403


def test_s10_the_public_page_says_by_which_role_and_why(operator):
    campaign = campaign_with(5)
    upload(operator, campaign)
    wave = counted(taken_in())
    ((_, public),) = public_waves(campaign.pk, revealed=True)
    assert {name: public[name] for name in ("kind", "fans", "uploaded_by_role", "reason")} == {
        "kind": "uploaded",
        "fans": 1,
        "uploaded_by_role": "operator",
        "reason": "guests of the band",
    }
    assert wave.name.endswith(KEY)
