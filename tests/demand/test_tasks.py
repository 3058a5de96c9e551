"""Tasks of the demand archive: uploads go to a worker, and Glue hears of what it missed. [D-1,
D-8]
"""

from __future__ import annotations

import pytest

from demand import tasks
from demand.archiving import glue_partitions
from demand.models import Snapshot
from demand.sources import uploads
from operations.models import Job
from operations.tasks import run_job
from tests.demand.sources.upload_cases import jsonl, received
from tests.support.change_events import DEMAND, change

pytestmark = pytest.mark.django_db(transaction=True)


def test_d1_a_worker_archives_an_uploaded_file():
    job = tasks.start_upload(received(jsonl([change(DEMAND)])), by=None)
    assert job.kind == uploads.JOB_KIND
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == "done"
    assert Snapshot.objects.count() == 1


def test_d8_glue_is_told_of_what_it_missed_where_there_is_a_database_for_it(settings, monkeypatch):
    repairs: list[str] = []
    monkeypatch.setattr(glue_partitions, "repair", lambda: repairs.append(settings.GLUE_DATABASE))
    for database in ("", "demand"):
        settings.GLUE_DATABASE = database
        tasks.repair_glue_partitions()
    assert repairs == ["demand"]
