"""A file of codes is uploaded, imported by a worker, and its page shows the results; a code is found
with its life. [K-1, K-4, X-10]
"""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.opening import close_campaign
from console.models import PersonalDataAccess
from operations.choices import JobState
from operations.models import Job
from tests.console.page_cases import said
from tests.support.database import kept
from tests.support.people import client_of, member_of
from tests.support.waves import NOTIFY, campaign_with, person
from waves.codes import imports
from waves.models import Code, CodeImport
from waves.sending import new_messages
from waves.sending.triggering import trigger

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"code,tier\nAAA1,gold\naaa1,gold\nTM,gold\n"


@pytest.fixture
def campaign():
    return campaign_with(2)


def upload(client, campaign, content=CONTENT, **values):
    file = SimpleUploadedFile("codes.csv", content)
    address = f"/admin/campaign/{campaign.campaign_id}/codes/"
    return client.post(address, {"file": file, "source": "Ticket Partner"} | values)


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_an_upload_opens_a_job_and_its_page_counts_what_became_of_the_rows(operator, campaign):
    answer = upload(operator, campaign, market="west")
    found = CodeImport.objects.get()
    assert (found.origin, found.market.market_id) == ("Ticket Partner", "west")
    assert found.created_by.username in text_of(operator.get(answer.url))
    imports.process(Job.objects.get().pk)
    page = text_of(operator.get(answer.url))
    for words in ("<b>3</b> in", "<b>1</b> accepted", "<b>2</b> rejected", "tier"):
        assert words in page
    assert "Duplicate of an earlier row" in page
    listed = text_of(operator.get(f"/admin/campaign/{campaign.campaign_id}/codes/"))
    assert "codes.csv" in listed
    assert "AAA1" not in page + listed


def test_the_same_file_again_leads_to_the_same_page_which_says_so(operator, campaign):
    first = upload(operator, campaign)
    imports.process(Job.objects.get().pk)
    again = upload(operator, campaign)
    assert again.url == first.url
    assert "already imported on" in text_of(operator.get(again.url))
    assert (Job.objects.count(), Code.objects.count()) == (1, 1)


def test_what_is_wrong_is_said_on_the_form_which_keeps_what_was_typed(operator, campaign):
    page = text_of(upload(operator, campaign, b"AAA1\n", source="Box Office"))
    assert "missing the column code" in page
    assert 'value="Box Office"' in page
    assert said(upload(operator, campaign, source="")) == ["Source: Enter a value."]
    assert not CodeImport.objects.exists()


def test_a_closed_campaign_has_no_form_and_takes_no_codes(operator, campaign):
    """C-2"""
    close_campaign(campaign.pk, by=None)
    page = text_of(operator.get(f"/admin/campaign/{campaign.campaign_id}/codes/"))
    assert "only while it is open" in page
    assert 'type="file"' not in page
    assert "is closed" in text_of(upload(operator, campaign))


def test_a_cancelled_import_says_that_its_codes_stay_and_goes_on_with_the_same_file(
    operator, campaign
):
    answer = upload(operator, campaign)
    Job.objects.update(state=JobState.CANCELLED)
    assert "upload the same file again" in text_of(operator.get(answer.url))
    upload(operator, campaign)
    imports.process(Job.objects.latest("id").pk)
    assert Code.objects.count() == 1


def test_rejected_rows_leave_with_a_reason_and_no_formula(operator, campaign):
    """O-7"""
    upload(operator, campaign, b'code\n"=HYPERLINK(1)"\n')
    address = f"/admin/code-file/{CodeImport.objects.get().pk}/download/"
    assert "not imported yet" in text_of(operator.post(address, {"reason": "asked"}, follow=True))
    imports.process(Job.objects.get().pk)
    assert not PersonalDataAccess.objects.exists()
    answer = operator.post(address, {"reason": "the partner asks"})
    made = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert [dict(row) for row in made] == [
        {"code": "'=HYPERLINK(1)", "line": "2", "reason": "formula"}
    ]
    assert PersonalDataAccess.objects.get().reason == "the partner asks"


@pytest.mark.parametrize("role", ["viewer", "approver", "analyst"])
def test_who_may_not_import_codes_is_refused(campaign, role):
    """O-5"""
    client = client_of(member_of(role))
    assert upload(client, campaign).status_code == 403
    assert not CodeImport.objects.exists()


def look_for(client, code):
    return client.post("/admin/find-code/", {"code": code, "reason": "a fan called"})


def test_a_code_is_found_with_its_steps_and_masked(operator, campaign):
    """X-10, O-7"""
    upload(operator, campaign)
    imports.process(Job.objects.get().pk)
    assert text_of(operator.get("/admin/find-code/")).count("<h2>") == 1
    page = text_of(look_for(operator, " aaa1 "))
    for words in ("Imported", "Ticket Partner", "codes.csv</a>, line 2", campaign.name):
        assert words in page
    assert "AAA1" not in page
    assert PersonalDataAccess.objects.get().reason == "a fan called"


def test_a_code_that_was_sent_shows_its_wave_fan_and_messages():
    """X-10"""
    wave = kept.scheduled()
    trigger(wave, by=person("bob"), now=NOTIFY)
    new_messages.make_sends(wave)
    code = Code.objects.filter(wave=wave).first()
    page = text_of(look_for(client_of(member_of("viewer")), code.code))
    for words in ("Made", "Reserved", "Assigned", "Published", "position 1", "SMS", "E-mail"):
        assert words in page
    assert f"to fan {code.global_user_id}" in page
    assert code.code not in page.partition(">Find</button>")[2]


def test_what_is_no_code_is_said_and_nothing_is_shown(operator):
    assert said(look_for(operator, "NOSUCHCODE"))[0].startswith("No such code")
