"""A file of registrations is uploaded, imported by a worker, and its page shows the outcome.
[C-4]
"""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.models import RegistrationImport
from campaigns.opening import close_campaign
from campaigns.registrations import corrections, imports
from console import slow_counts
from datalake import streams
from operations import tasks
from operations.choices import JobState
from operations.models import Job
from tests.campaigns.registrations.registration_cases import unpublished
from tests.support.avro_files import made
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of, staff
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"""\
global_user_id,registered_at,email,shoe size
fan-1,2026-01-02T03:04:05Z,fan-1@mail.example,43
fan-2,yesterday,fan-2@mail.example,43
"""


def upload(client, campaign, content=CONTENT):
    file = SimpleUploadedFile("registrations.csv", content)
    address = f"/admin/campaign/{campaign.campaign_id}/registrations/"
    return client.post(address, {"file": file})


def test_c4_an_upload_opens_a_job_and_its_page_counts_what_became_of_the_rows(operator):
    campaign = make_campaign()
    answer = upload(operator, campaign)
    found = RegistrationImport.objects.get()
    assert Job.objects.get().subject == imports.subject_of(found)
    imports.process(Job.objects.get().pk)
    page = operator.get(answer.url)
    assert page.status_code == 200
    found.refresh_from_db()
    assert (found.rows_in, found.accepted, found.rejected) == (2, 1, 1)
    assert "registrations.csv" in page.content.decode()
    assert "shoe size" in page.content.decode()  # a column that is ignored


def test_c4_the_same_file_again_leads_to_the_same_import_and_opens_no_job(operator):
    campaign = make_campaign()
    first = upload(operator, campaign)
    imports.process(Job.objects.get().pk)
    assert upload(operator, campaign).url == first.url
    assert Job.objects.count() == 1


RECURSIVE = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The file is empty."),
        (made(RECURSIVE, (1, b"\x02" * 99_999)), "its schema refers to itself"),
        (made(dict(RECURSIVE, fields=[]), (10**9, b"")), "its records hold nothing"),
    ],
)
def test_c4_what_cannot_be_read_is_refused_by_the_worker_and_the_page_says_so(
    operator, monkeypatch, content, why
):
    """The process that serves the page does not look into the file."""
    campaign = make_campaign()
    with monkeypatch.context() as serving:
        serving.setattr(imports, "read", lambda *of: pytest.fail("read by the web process"))
        answer = upload(operator, campaign, content)
    tasks.run_job(Job.objects.get().pk)
    html = operator.get(answer.url).content.decode()
    assert (why in html, ">failed</span>" in html) == (True, True)
    assert not RegistrationImport.objects.filter(finished=True).exists()


def test_o5_who_may_not_import_registrations_uploads_none():
    campaign = make_campaign()
    viewer = client_of(staff("looker", "campaigns.view_campaign"))
    assert upload(viewer, campaign).status_code == 403
    assert not RegistrationImport.objects.exists()


def corrected(original: RegistrationImport) -> bytes:
    return read(original.rejected_key).replace(b"yesterday", b"2026-01-02T03:04:05Z")


def imported(client, campaign) -> RegistrationImport:
    upload(client, campaign)
    return imports.process(Job.objects.get().pk)


def correct(client, original, content):
    file = SimpleUploadedFile("corrected.csv", content)
    address = f"/admin/registrations/{original.pk}/corrections/"
    return client.post(address, {"file": file}, follow=True)


def page_of(client, found) -> str:
    return client.get(f"/admin/registrations/{found.pk}/").content.decode()


FORM = "Upload the corrected rejected rows"


def test_c4_corrected_rows_lead_to_a_page_of_their_own_and_both_say_how_many_are_repaired(operator):
    original = imported(operator, make_campaign())
    assert FORM in page_of(operator, original)
    page = correct(operator, original, corrected(original)).content.decode()
    assert "corrected rejected rows of" in page
    found = imports.process(Job.objects.latest("id").pk)
    html = page_of(operator, found)
    assert f'href="/admin/registrations/{original.pk}/"' in html
    assert "<b>1</b> of the corrected rows is now accepted" in html
    assert FORM not in html  # nothing of it was rejected
    html = page_of(operator, original)
    assert f'href="/admin/registrations/{found.pk}/"' in html
    assert "<b>1</b> of the 1 rejected rows was corrected and is now accepted" in html
    assert "<b>0</b> are still rejected" in html
    again = correct(operator, original, corrected(original)).content.decode()
    assert "This file was already imported on" in again
    assert Job.objects.count() == 2


def test_c4_a_corrected_file_of_another_is_refused_on_its_page_and_no_file_is_asked_for(operator):
    original = imported(operator, make_campaign())
    correct(operator, original, corrected(original).replace(b",3,", b",2,"))
    tasks.run_job(Job.objects.latest("id").pk)
    html = page_of(operator, RegistrationImport.objects.latest("id"))
    assert "Line 2 was not rejected in this registration file" in html
    address = f"/admin/registrations/{original.pk}/corrections/"
    assert "File: Choose a file." in operator.post(address, follow=True).content.decode()


def test_o5_c2_who_may_not_import_or_a_campaign_that_is_closed_takes_no_corrections(operator):
    campaign = make_campaign()
    original = imported(operator, campaign)
    viewer = client_of(staff("looker", "campaigns.view_registrationimport"))
    assert FORM not in page_of(viewer, original)
    assert correct(viewer, original, corrected(original)).status_code == 403
    close_campaign(campaign.pk, by=None)
    assert FORM not in page_of(operator, original)
    html = correct(operator, original, corrected(original)).content.decode()
    assert "possible only while it is open" in html
    assert RegistrationImport.objects.count() == 1


def test_c4_until_the_rejected_rows_are_written_none_can_be_corrected_and_the_page_says_what_to_do():
    client = client_of(member_of("administrator"))
    campaign = make_campaign()
    original = imported(client, campaign)
    RegistrationImport.objects.update(columns=[], rejected_key="")
    html = page_of(client, original)
    assert "upload the same registration file again" in html
    assert FORM not in html
    answer = correct(client, original, corrected(original)).content.decode()
    assert "are not written yet" in answer
    upload(client, campaign)
    imports.process(Job.objects.latest("id").pk)
    html = page_of(client, original)
    assert FORM in html


def test_c4_rejected_rows_that_were_never_written_can_be_downloaded_of_a_closed_campaign_too():
    client, campaign = client_of(member_of("administrator")), make_campaign()
    original = imported(client, campaign)
    lines = read(original.rejected_key).decode()
    RegistrationImport.objects.update(columns=[], rejected_key="")
    close_campaign(campaign.pk, by=None)
    html = page_of(client, original)
    assert "Reason for the download" in html
    assert "again" not in html
    address = f"/admin/registrations/{original.pk}/download/"
    answer = client.post(address, {"reason": "the promoter asks"})
    given = "".join(part.decode() for part in answer.streaming_content)
    assert given.splitlines() == lines.splitlines()
    assert RegistrationImport.objects.get().rejected_key == ""
    RegistrationImport.objects.update(finished=False)
    answer = client.post(address, {"reason": "the promoter asks"}, follow=True)
    assert "is not imported yet" in answer.content.decode()


def test_c5_the_same_file_again_goes_on_publishing_where_that_broke_off(monkeypatch):
    client, campaign = client_of(member_of("administrator")), make_campaign()
    with monkeypatch.context() as patch:
        patch.setattr(streams, "publish_frame", Mock(side_effect=OSError("away")))
        with pytest.raises(OSError, match="away"):
            imported(client, campaign)
    assert RegistrationImport.objects.get().rejected_key
    assert unpublished(campaign).exists()
    upload(client, campaign)
    job = Job.objects.get()
    assert job.state == JobState.QUEUED
    imports.process(job.pk)
    assert not unpublished(campaign).exists()
    upload(client, campaign)
    assert Job.objects.get().state == JobState.DONE


def test_c4_a_slow_count_of_repaired_rows_is_not_made_anew_for_each_look(operator, monkeypatch):
    original = imported(operator, make_campaign())
    counts = []
    monkeypatch.setattr(slow_counts, "SLOW_SECONDS", -1.0)
    monkeypatch.setattr(slow_counts, "TIMES", 10**9)
    monkeypatch.setattr(corrections, "repaired", lambda found: counts.append(found) or 1)
    pages = [page_of(operator, original) for _ in range(2)]
    assert (len(pages), counts) == (2, [original])
