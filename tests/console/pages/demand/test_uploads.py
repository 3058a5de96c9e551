"""A file of change events is uploaded and archived in the background. [D-1]"""

from __future__ import annotations

import re

import pytest

from demand.models import Batch
from tests.console.demand.demand_cases import text_of
from tests.support.change_events import DEMAND, EVENT, change

pytestmark = pytest.mark.django_db


def test_d1_an_upload_is_archived_in_the_background_and_its_page_says_what_became_of_it(operator):
    from io import BytesIO

    from demand.models import EventUpload
    from operations.models import Job
    from operations.tasks import run_job

    file = BytesIO(b"\n".join([change(DEMAND), b"{", change(EVENT)]))
    file.name = "changes.jsonl"
    answer = operator.post("/admin/demand-archive/upload/", {"file": file})
    upload = EventUpload.objects.get()
    assert answer.headers["Location"] == f"/admin/demand-archive/upload/{upload.pk}/"
    for job in Job.objects.filter(kind="archive_demand"):
        run_job(job.pk)
    html = text_of(operator.get(answer.headers["Location"]))
    assert "Every event has one outcome" in html
    assert re.search(r"<b>3</b> in.*<b>2</b> archived.*<b>1</b> errors", html)
    assert "Not JSON" in html

    file.seek(0)
    again = text_of(operator.post("/admin/demand-archive/upload/", {"file": file}, follow=True))
    assert "This file was already uploaded" in again
    assert Batch.objects.count() == 1


def test_an_upload_without_a_file_says_so(operator):
    assert "File: Choose a file." in text_of(operator.post("/admin/demand-archive/upload/", {}))
