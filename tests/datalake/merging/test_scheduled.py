"""The merge of all past periods is a job. [L-3, O-1, O-2]"""

from __future__ import annotations

import pytest

from datalake import archive
from datalake.avro import container
from datalake.errors import ConsumerFailed
from datalake.merging import scheduled
from datalake.models import LakeFile, Merge
from datalake.storage import buckets
from datalake.streams import consumers
from operations import jobs
from operations.choices import JobState
from operations.models import Alert, Job
from tests.datalake.lake_cases import (
    ids,
    put_bytes,
    put_foreign,
    readable_ids,
    save_loose,
    valid,
)
from tests.support.lake import publish_scores

pytestmark = pytest.mark.django_db


def run():
    job = scheduled.open_job(monthly=False, by=None)
    scheduled.run(job.pk)
    return Job.objects.get(pk=job.pk)


def merged_periods():
    done = Merge.objects.filter(state="merged")
    return sorted(f"{each.record_type} {each.period}" for each in done)


def test_a_refused_period_raises_an_alert_and_is_counted():
    """[L-3, O-1]"""
    put_bytes("junk", b"junk", folder="avro/scoring/2025/12/31")
    save_loose(3)
    job = run()
    assert "junk.avro cannot be read" in Alert.objects.get().text
    assert merged_periods() == ["scoring 2026-01-20"]
    assert (job.state, job.rows_in, job.rows_out, job.rows_rejected) == (JobState.DONE, 2, 1, 1)


def test_a_period_whose_disk_fails_fails_the_job_with_an_alert_and_no_other_period(monkeypatch):
    """[O-2]"""
    save_loose(3)
    put_foreign("theirs", [valid(1)])
    put_bytes("junk", b"junk", folder="avro/scoring/2025/12/31")
    real = container.merge

    def failing(out, schema, *args, **kwargs):
        if schema.record_type == "registration":
            raise OSError(28, "No space left on device")
        return real(out, schema, *args, **kwargs)

    monkeypatch.setattr(container, "merge", failing)
    with pytest.raises(OSError, match="No space left"):
        run()
    assert merged_periods() == ["scoring 2026-01-20"]
    failed = Job.objects.get(kind=scheduled.JOB_KIND)
    assert (failed.state, "No space left" in failed.error) == (JobState.FAILED, True)
    assert "Merge past periods failed for lake days" in Alert.objects.latest("id").text
    assert "No space left" in Merge.objects.get(record_type="registration").error
    monkeypatch.setattr(container, "merge", real)
    assert jobs.requeue(failed.pk)
    scheduled.run(failed.pk)
    failed.refresh_from_db()
    assert failed.state == JobState.DONE
    assert merged_periods() == ["registration 2026-01-20", "scoring 2026-01-20"]
    assert [each.text.count("junk.avro") for each in Alert.objects.order_by("id")] == [1, 0]


def test_a_repeated_run_that_fails_again_does_not_repeat_the_refusals(monkeypatch):
    """[O-2]"""
    put_bytes("junk", b"junk", folder="avro/scoring/2025/12/31")
    save_loose(3)
    away = OSError("the bucket is away")
    monkeypatch.setattr(container, "merge", lambda *of, **with_: (_ for _ in ()).throw(away))
    job = scheduled.open_job(monthly=False, by=None)
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            scheduled.run(job.pk)
        assert jobs.requeue(job.pk)
    assert Alert.objects.filter(text__contains="junk.avro").count() == 1


def test_a_merge_of_past_periods_pauses_between_two(monkeypatch):
    """[O-1]"""
    save_loose(3)
    put_foreign("theirs", [valid(1)])
    job = scheduled.open_job(monthly=False, by=None)
    real = container.merge

    def asking(*args, **kwargs):
        jobs.request_stop(job.pk, "pause")
        return real(*args, **kwargs)

    monkeypatch.setattr(container, "merge", asking)
    scheduled.run(job.pk)
    job.refresh_from_db()
    assert (job.state, len(merged_periods())) == (JobState.PAUSED, 1)


def test_a_bucket_that_refuses_writes_loses_nothing_and_the_work_goes_on_when_it_accepts(
    monkeypatch,
):
    """[L-2, L-3, L-5, O-6] The writer, the merge and the archive in turn."""

    def refused(work, error):
        with monkeypatch.context() as refusing:
            away = OSError("read-only bucket")
            refusing.setattr(buckets.DiskBucket, "writer", lambda *of: (_ for _ in ()).throw(away))
            with pytest.raises(error, match="read-only bucket"):
                work()

    def consume():
        return consumers.consume(["lake"], once=True)["lake"]

    publish_scores(5)
    refused(consume, ConsumerFailed)
    assert consume()["out"] == 5
    refused(run, OSError)
    [failed] = Job.objects.filter(kind=scheduled.JOB_KIND)
    assert (failed.state, failed.retry_at is not None) == (JobState.FAILED, True)
    assert readable_ids() == ids(5)
    assert jobs.requeue(failed.pk)
    scheduled.run(failed.pk)
    [job] = archive.waiting_jobs()
    refused(lambda: archive.run_archive(job.pk), OSError)
    assert readable_ids() == ids(5)
    [again] = archive.waiting_jobs()
    archive.run_archive(again.pk)
    assert sorted(LakeFile.objects.values_list("state", flat=True)) == ["archived", "merged"]
    assert readable_ids() == ids(5)
