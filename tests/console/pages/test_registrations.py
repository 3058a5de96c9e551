"""A file of registrations is uploaded, imported by a worker, and its page shows the outcome.
[C-4]
"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.models import RegistrationImport
from campaigns.registrations import imports
from operations import tasks
from operations.models import Job
from tests.support.avro_files import made
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, staff

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
