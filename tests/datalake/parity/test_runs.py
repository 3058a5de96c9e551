from __future__ import annotations

import pytest

from datalake import tasks
from datalake.models import LakeFile, ParityResult
from datalake.parity import runs
from operations.choices import JobState
from operations.models import Alert, Job
from tests.datalake.lake_cases import save_loose

pytestmark = pytest.mark.django_db


@pytest.fixture
def ran(monkeypatch):
    """What the schedule asked for, done by a worker."""

    def run():
        jobs: list[Job] = []
        monkeypatch.setattr("datalake.tasks.enqueue", jobs.append)
        tasks.check_parity()
        runs.run(jobs[0].pk)
        return Job.objects.get(pk=jobs[0].pk)

    return run


def test_x9_the_daily_run_counts_periods_and_alerts_of_none_where_all_are_equal(ran):
    save_loose(3)
    job = ran()
    assert (job.state, job.rows_in, job.rows_out) == (JobState.DONE, 1, 1)
    assert ParityResult.objects.get().ok
    assert not Alert.objects.exists()


def test_o2_x9_what_differs_alerts_with_both_numbers_and_the_page(ran, settings):
    save_loose(3, 2)
    LakeFile.objects.filter(records=2).update(records=1)
    job = ran()
    assert (job.state, job.rows_rejected) == (JobState.DONE, 1)
    text = Alert.objects.get().text
    assert "differ in 1 period" in text
    assert "scoring 2026-01-20: 5 records in the database, 4 in the lake" in text
    assert f"{settings.SITE_URL}/admin/lake/parity/" in text


def test_o2_x9_other_content_in_as_many_records_alerts_too(ran):
    save_loose(3)
    LakeFile.objects.update(content_hash="0" * 64)
    ran()
    assert "the same number of records with other content" in Alert.objects.get().text


def test_x9_what_was_published_is_counted_each_hour():
    save_loose(3)
    tasks.count_published()
    LakeFile.objects.all().delete()
    assert runs.check.check().partitions[0].database.content.records == 3
