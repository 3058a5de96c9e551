"""A file of change events: taken in, archived by a job that can be stopped, killed and repeated.
[D-1, D-5]
"""

from __future__ import annotations

import gzip
import io

import pytest
from django.core.management import call_command
from django.utils import timezone

from datalake.erased.fans import mark
from datalake.models import LakeFile
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from datalake.storage.objects import BucketUnreachable
from demand import tasks
from demand.errors import NotKept, UnknownUpload, UnreadableEvents
from demand.models import Batch, CurrentRecord, ErrorFile, EventUpload, Snapshot
from demand.sources import lines, uploads
from operations import jobs
from operations.choices import JobState
from operations.errors import JobStopped
from operations.models import Alert, Job
from sandbox import changes
from tests.demand.sources.upload_cases import archived, counts_of, jsonl, kept_files, received
from tests.support.change_events import DEMAND, change


@pytest.mark.django_db(transaction=True)
def test_d1_every_line_is_archived_or_an_error_and_the_bytes_go():
    raws = list(changes.make(2_500, bad=0.05, carried=0.3))
    upload = archived(jsonl(raws))
    events, kept, errors = counts_of(upload)
    assert (events, kept + sum(errors.values())) == (2_500, 2_500)
    assert len(errors) > 4
    assert Snapshot.objects.count() == kept
    assert sum(LakeFile.objects.values_list("records", flat=True)) == kept
    assert upload.finished_at is not None
    assert kept_files() == []
    job = Job.objects.get()
    assert (job.state, job.rows_in, job.rows_out, job.rows_rejected) == (
        JobState.DONE,
        2_500,
        kept,
        2_500 - kept,
    )
    assert (job.progress, job.total) == (2_500, 2_500)
    assert list(Batch.objects.order_by("pk").values_list("first", "last", "events")) == [
        ("1", "1000", 1_000),
        ("1001", "2000", 1_000),
        ("2001", "2500", 500),
    ]


@pytest.mark.django_db(transaction=True)
def test_slack_hears_of_an_uploads_errors_once_at_its_end():
    archived(jsonl([b"{", change(DEMAND), b"[", b"{}"] * 400))
    (alert,) = Alert.objects.all()
    assert (
        "1,200 of 1,600 change events could not be archived: Not JSON 800, Not a change event 400."
        in alert.text
    )
    archived(jsonl([change(DEMAND)]))
    assert Alert.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_again_are_the_same_upload_and_its_result():
    content = jsonl(changes.make(50))
    first = archived(content)
    again = received(content, name="other name.jsonl")
    assert (again.pk, again.name, again.finished_at) == (
        first.pk,
        "changes.jsonl",
        first.finished_at,
    )
    assert kept_files() == []
    uploads.process(uploads.open_job(again, by=None).pk)
    assert counts_of(again) == counts_of(first) == (50, 50, {})
    assert Snapshot.objects.count() == 50


@pytest.mark.django_db(transaction=True)
def test_gzip_a_bom_and_crlf_are_read():
    text = b"\xef\xbb\xbf" + b"\r\n".join(
        [change(DEMAND, fanId=str(number)) for number in range(5)]
    )
    assert counts_of(archived(gzip.compress(text, mtime=0))) == (5, 5, {})


@pytest.mark.django_db(transaction=True)
def test_a_file_without_events_is_an_upload_of_nothing():
    upload = archived(b"\n  \n")
    assert counts_of(upload) == (0, 0, {})
    assert upload.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_cancelled_while_it_waits_leaves_no_data():
    tasks.start_upload(received(jsonl([change(DEMAND)])), by=None)
    assert len(kept_files()) == 1
    assert jobs.request_stop(Job.objects.get().pk, "cancel")
    assert kept_files() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("begun", [False, True])
def test_a_job_that_is_cancelled_while_the_bucket_is_away_stays_cancelled(monkeypatch, begun):
    """[O-6] It is not tried again as one that failed."""
    job = uploads.open_job(received(jsonl([change(DEMAND)])), by=None)

    def away(*_):
        raise BucketUnreachable("S3 did not do it: away")

    def cancelled(*_, **__):
        raise JobStopped("cancel")

    monkeypatch.setattr(DiskBucket, "delete", away)
    if begun:
        monkeypatch.setattr(uploads.file_pipeline, "archive_lines", cancelled)
        uploads.process(job.pk)
    else:
        assert jobs.request_stop(job.pk, "cancel")
    assert Job.objects.get().state == JobState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_bytes_that_are_not_those_that_came_are_refused():
    upload = received(jsonl(changes.make(10)))
    buckets.scoring().put(upload.key, jsonl(changes.make(11)))
    job = uploads.open_job(upload, by=None)
    with pytest.raises(UnreadableEvents, match="not the file that was uploaded"):
        uploads.process(job.pk)
    assert not Batch.objects.exists()
    uploads.process(uploads.open_job(received(jsonl(changes.make(10))), by=None).pk)
    assert counts_of(upload) == (10, 10, {})


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused_before_anything_is_written(settings):
    settings.UPLOAD_MAX_BYTES = 50
    with pytest.raises(UnreadableEvents, match="larger than 50 bytes"):
        received(b"x" * 51)
    with pytest.raises(UnreadableEvents, match="larger than 50 bytes"):
        uploads.spooled(io.BytesIO(b"x" * 51))
    assert not EventUpload.objects.exists()
    assert kept_files() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(b"x" * 200_000, mtime=0), "larger than 150,000 bytes"),
        (gzip.compress(b"\0" * 140_000, mtime=0), "200 times"),
        (gzip.compress(jsonl(changes.make(100)), mtime=0)[:-20], "incomplete or damaged"),
    ],
)
def test_a_file_that_cannot_be_unpacked_is_refused_by_its_job_and_not_kept(
    settings, monkeypatch, content, why
):
    """[D-1]"""
    settings.UPLOAD_MAX_BYTES = 150_000
    monkeypatch.setattr(lines, "RATIO_FROM_BYTES", 1 << 16)
    job = uploads.open_job(received(content), by=None)
    with pytest.raises(UnreadableEvents, match=why):
        uploads.process(job.pk)
    assert why in Job.objects.get().error
    assert kept_files() == []


@pytest.mark.django_db
def test_a_bucket_that_takes_nothing_is_reported_and_the_same_file_may_come_again(monkeypatch):
    def full(self, key, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(DiskBucket, "put", full)
        with pytest.raises(NotKept, match="No space left"):
            received(b"{}\n")
    received(b"{}\n")
    assert len(kept_files()) == 1


@pytest.mark.django_db
def test_bytes_that_are_gone_from_the_bucket_are_missed_in_plain_words():
    upload = received(b"{}\n")
    buckets.scoring().delete(upload.key)
    with pytest.raises(UnreadableEvents, match="Upload it again"):
        uploads.process(uploads.open_job(upload, by=None).pk)


@pytest.mark.django_db
def test_a_number_that_no_upload_has_is_refused():
    with pytest.raises(UnknownUpload, match="4711"):
        uploads.upload_of(4711)


@pytest.mark.django_db
def test_names_are_cut_to_what_can_be_kept():
    upload = received(b"{}\n", name="a\x00b" * 200)
    assert len(upload.name) == 255
    assert "\x00" not in upload.name
    assert upload.created_at <= timezone.now()


@pytest.mark.django_db(transaction=True)
def test_x11_the_same_file_with_one_line_more_brings_no_erased_fan_back(tmp_path):
    old = [change(DEMAND, fanId="gone", at=1_600_000_000, sequence=n) for n in range(1, 4)]
    mark("gone")
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join([*old, change(DEMAND, fanId="fan-2")]) + b"\n")
    call_command("archive_demand", str(path), stdout=io.StringIO())
    assert {*CurrentRecord.objects.values_list("fan_id", flat=True)} == {"fan-2"}
    assert ErrorFile.objects.get().events == 3
