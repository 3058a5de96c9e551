"""Lines of change events on their way into the archive, some batches at a time. [D-1, D-5]"""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import pytest

from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from demand.archiving import archive
from demand.choices import BatchState
from demand.models import Batch, CurrentRecord, EventUpload, Snapshot
from demand.sources import file_pipeline, uploads
from operations import jobs
from operations.choices import JobState
from operations.models import Job
from sandbox import changes
from tests.demand.sources.upload_cases import archived, counts_of, jsonl, kept_files, received
from tests.support.change_events import DEMAND, change


@pytest.mark.django_db(transaction=True)
def test_d5_the_files_are_those_of_the_same_batches_archived_one_by_one():
    raws = list(changes.make(1_200, bad=0.02))
    upload = archived(jsonl(raws))
    keys = {
        key: buckets.campaign_data().sha256(key) for key in buckets.campaign_data().list("demand/")
    }
    for first, some in ((1, raws[:1_000]), (1_001, raws[1_000:])):
        batch = Batch(
            source=uploads.source_of(upload),
            first=str(first),
            last=str(first + len(some) - 1),
            events=len(some),
            created_at=upload.created_at,
        )
        made = archive.decide_batch(batch, some, sequences=range(first, first + len(some)))
        for file in (*made.files, *made.error_files):
            assert keys.pop(file.key) == hashlib.sha256(file.content).hexdigest()
    assert keys == {}


@pytest.mark.django_db(transaction=True)
def test_of_events_without_time_and_number_the_later_line_is_the_newer():
    made = [json.loads(change(DEMAND, eventName=name)) for name in ("first", "second", "third")]
    for each in made:
        del each["dynamodb"]["ApproximateCreationDateTime"], each["dynamodb"]["SequenceNumber"]
    archived(jsonl(json.dumps(each).encode() for each in made))
    assert CurrentRecord.objects.get().record["eventName"] == "third"
    assert sorted(Snapshot.objects.values_list("sequence", flat=True)) == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_a_stopped_job_leaves_whole_batches_and_goes_on_where_it_stopped(monkeypatch, how):
    monkeypatch.setattr(file_pipeline, "BATCHES_AT_ONCE", 1)
    raws = list(changes.make(5_000))
    upload = received(jsonl(raws))
    job = uploads.open_job(upload, by=None)
    deliver, delivered = archive.deliver, []

    def stop_after_two(parts, **options):
        deliver(parts, **options)
        delivered.extend(parts)
        if len(delivered) == 2:
            jobs.request_stop(job.pk, how)

    monkeypatch.setattr(archive, "deliver", stop_after_two)
    uploads.process(job.pk)
    done = Batch.objects.filter(state=BatchState.DONE).count()
    assert 2 <= done <= 3
    assert not Batch.objects.exclude(state=BatchState.DONE).exists()
    assert bool(kept_files()) == (how == "pause")
    assert EventUpload.objects.get().finished_at is None
    again = received(jsonl(raws))
    following = uploads.open_job(again, by=None)
    assert (following.pk == job.pk) == (how == "pause")
    attempts = dict(Batch.objects.values_list("first", "attempt"))
    uploads.process(following.pk)
    assert counts_of(upload) == (5_000, 5_000, {})
    assert Snapshot.objects.count() == 5_000
    assert {first: Batch.objects.get(first=first).attempt for first in attempts} == attempts


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_is_away_for_a_while_is_waited_for(monkeypatch):
    monkeypatch.setattr(file_pipeline, "PAUSES_SECONDS", (0.0,) * 8)
    put, failures = DiskBucket.put, iter(range(5))

    def away(self, key, content):
        if "demand/data" in key and next(failures, None) is not None:
            raise OSError(5, "Input/output error")
        put(self, key, content)

    monkeypatch.setattr(DiskBucket, "put", away)
    assert counts_of(archived(jsonl(changes.make(1_500)))) == (1_500, 1_500, {})


@pytest.mark.django_db(transaction=True)
def test_o1_a_job_that_waits_for_a_bucket_is_stopped_within_a_second(monkeypatch):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            Job.objects.update(stop_requested="cancel")

    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep)
    monkeypatch.setattr(file_pipeline, "time", clock)
    monkeypatch.setattr(file_pipeline, "PAUSES_SECONDS", (60.0,))
    job = uploads.open_job(received(jsonl(changes.make(10))), by=None)
    with monkeypatch.context() as patched:
        patched.setattr(DiskBucket, "put", lambda *about: away())
        uploads.process(job.pk)
    assert slept == [1.0] * 3
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED


def away():
    raise OSError(5, "Input/output error")


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_stays_away_fails_the_job_which_can_go_on_later(monkeypatch):
    monkeypatch.setattr(file_pipeline, "PAUSES_SECONDS", (0.0,) * 2)
    put = DiskBucket.put

    def away(self, key, content):
        if "demand/data" in key:
            raise OSError(5, "Input/output error")
        put(self, key, content)

    upload = received(jsonl(changes.make(100)))
    job = uploads.open_job(upload, by=None)
    with monkeypatch.context() as patched:
        patched.setattr(DiskBucket, "put", away)
        with pytest.raises(OSError, match="Input/output error"):
            uploads.process(job.pk)
    assert Job.objects.get().state == JobState.FAILED
    assert len(kept_files()) == 1
    assert uploads.open_job(upload, by=None).pk == job.pk
    uploads.process(job.pk)
    assert counts_of(upload) == (100, 100, {})
