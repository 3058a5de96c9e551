"""A file of change events: taken in, archived by a job that can be stopped, killed and repeated.
[D-1, D-5]
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json

import pytest
from django.utils import timezone

from datalake.models import LakeFile
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from demand import tasks
from demand.archiving import archive
from demand.choices import BatchState
from demand.errors import NotKept, UnknownUpload, UnreadableEvents
from demand.models import Batch, CurrentRecord, EventUpload, Snapshot
from demand.sources import file_pipeline, lines, uploads
from demand.sources.lines import batches_of, count_lines
from operations import jobs
from operations.choices import JobState
from operations.models import Alert, Job
from sandbox import changes
from tests.support.change_events import DEMAND, change


def jsonl(raws) -> bytes:
    return b"".join(raw + b"\n" for raw in raws)


def received(content: bytes, *, name="changes.jsonl") -> EventUpload:
    return uploads.receive(name, io.BytesIO(content), by=None)


def archived(content: bytes) -> EventUpload:
    upload = received(content)
    return uploads.process(uploads.open_job(upload, by=None).pk)


def told(upload: EventUpload) -> tuple[int, int, dict[str, int]]:
    result = uploads.result_of(upload)
    return result["in"], result["archived"], result["errors"]


def spans(content: bytes) -> list[tuple[str, str, int]]:
    return [(each.first, each.last, len(each.raws)) for each in batches_of(io.BytesIO(content))]


def kept_files() -> list[str]:
    return list(buckets.scoring().list("demand/"))


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n\n", b"", b"\n \t\n"])
def test_d1_a_byte_order_mark_alone_is_a_blank_line(content):
    assert list(batches_of(io.BytesIO(content))) == []


def test_d1_a_thousand_events_are_a_batch_and_blank_lines_are_none():
    content = b"\n" + b"{}\n" * 1_000 + b" \r\n\n" + b"[]\n" * 3 + b"\n"
    assert spans(content) == [("2", "1001", 1_000), ("1004", "1006", 3)]
    assert count_lines(io.BytesIO(content), most_bytes=10**9) == 1_007


def test_d1_the_last_line_need_not_end_and_may_be_the_only_one():
    assert spans(b"{}") == [("1", "1", 1)]
    assert count_lines(io.BytesIO(b"{}\n[]"), most_bytes=99) == 2
    assert spans(b"") == spans(b"\n\n") == []


def test_large_events_make_small_batches(monkeypatch):
    monkeypatch.setattr(lines, "MOST_BYTES", 100)
    assert [count for *_, count in spans((b"x" * 40 + b"\n") * 7)] == [3, 3, 1]


def test_a_line_without_end_is_one_error_that_names_its_size_and_is_not_held(monkeypatch):
    monkeypatch.setattr(lines, "MOST_PARSED_BYTES", 1_000)
    long = b'{"a": "' + b"x" * 5_000_000 + b'"}'
    (batch,) = batches_of(io.BytesIO(b"{}\n" + long + b"\n{}\n"))
    first, second, third = batch.raws
    assert (first, third, batch.numbers) == (b"{}", b"{}", [1, 2, 3])
    assert second.error_type == "too_large"
    assert f"{len(long):,} bytes" in second.message
    assert len(second.kept) < 3_000


@pytest.mark.django_db(transaction=True)
class TestArchiving:
    def test_d1_every_line_is_archived_or_an_error_and_the_bytes_go(self):
        raws = list(changes.make(2_500, bad=0.05, carried=0.3))
        upload = archived(jsonl(raws))
        events, kept, errors = told(upload)
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

    def test_d5_the_files_are_those_of_the_same_batches_archived_one_by_one(self):
        raws = list(changes.make(1_200, bad=0.02))
        upload = archived(jsonl(raws))
        keys = {
            key: buckets.campaign_data().sha256(key)
            for key in buckets.campaign_data().list("demand/")
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

    def test_slack_hears_of_an_uploads_errors_once_at_its_end(self):
        archived(jsonl([b"{", change(DEMAND), b"[", b"{}"] * 400))
        (alert,) = Alert.objects.all()
        assert (
            "1,200 of 1,600 events are in error files: not_json 800, wrong_envelope 400."
            in alert.text
        )
        archived(jsonl([change(DEMAND)]))
        assert Alert.objects.count() == 1

    def test_the_same_bytes_again_are_the_same_upload_and_its_result(self):
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
        assert told(again) == told(first) == (50, 50, {})
        assert Snapshot.objects.count() == 50

    def test_gzip_a_bom_and_crlf_are_read(self):
        text = b"\xef\xbb\xbf" + b"\r\n".join(
            [change(DEMAND, fanId=str(number)) for number in range(5)]
        )
        assert told(archived(gzip.compress(text, mtime=0))) == (5, 5, {})

    def test_a_file_without_events_is_an_upload_of_nothing(self):
        upload = archived(b"\n  \n")
        assert told(upload) == (0, 0, {})
        assert upload.finished_at is not None

    def test_of_events_without_time_and_number_the_later_line_is_the_newer(self):
        made = [json.loads(change(DEMAND, eventName=name)) for name in ("first", "second", "third")]
        for each in made:
            del each["dynamodb"]["ApproximateCreationDateTime"], each["dynamodb"]["SequenceNumber"]
        archived(jsonl(json.dumps(each).encode() for each in made))
        assert CurrentRecord.objects.get().record["eventName"] == "third"
        assert sorted(Snapshot.objects.values_list("sequence", flat=True)) == [1, 2, 3]

    @pytest.mark.parametrize("how", ["pause", "cancel"])
    def test_a_stopped_job_leaves_whole_batches_and_goes_on_where_it_stopped(
        self, monkeypatch, how
    ):
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
        assert told(upload) == (5_000, 5_000, {})
        assert Snapshot.objects.count() == 5_000
        assert {first: Batch.objects.get(first=first).attempt for first in attempts} == attempts

    def test_a_job_that_is_cancelled_while_it_waits_leaves_no_data(self):
        tasks.start_upload(received(jsonl([change(DEMAND)])), by=None)
        assert len(kept_files()) == 1
        assert jobs.request_stop(Job.objects.get().pk, "cancel")
        assert kept_files() == []

    def test_a_bucket_that_is_away_for_a_while_is_waited_for(self, monkeypatch):
        monkeypatch.setattr(file_pipeline, "PAUSES_SECONDS", (0.0,) * 8)
        put, failures = DiskBucket.put, iter(range(5))

        def away(self, key, content):
            if "demand/data" in key and next(failures, None) is not None:
                raise OSError(5, "Input/output error")
            put(self, key, content)

        monkeypatch.setattr(DiskBucket, "put", away)
        assert told(archived(jsonl(changes.make(1_500)))) == (1_500, 1_500, {})

    def test_a_bucket_that_stays_away_fails_the_job_which_can_go_on_later(self, monkeypatch):
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
        assert told(upload) == (100, 100, {})

    def test_bytes_that_are_not_those_that_came_are_refused(self):
        upload = received(jsonl(changes.make(10)))
        buckets.scoring().put(upload.key, jsonl(changes.make(11)))
        job = uploads.open_job(upload, by=None)
        with pytest.raises(UnreadableEvents, match="not what was uploaded"):
            uploads.process(job.pk)
        assert not Batch.objects.exists()
        uploads.process(uploads.open_job(received(jsonl(changes.make(10))), by=None).pk)
        assert told(upload) == (10, 10, {})


@pytest.mark.django_db
class TestReception:
    def test_a_file_that_is_too_large_is_refused_before_anything_is_written(self, settings):
        settings.UPLOAD_MAX_BYTES = 50
        with pytest.raises(UnreadableEvents, match="larger than 50 bytes"):
            received(b"x" * 51)
        with pytest.raises(UnreadableEvents, match="holds more than 50 bytes"):
            received(gzip.compress(b"x" * 51, mtime=0))
        with pytest.raises(UnreadableEvents, match="larger than 50 bytes"):
            uploads.spooled(io.BytesIO(b"x" * 51))
        assert not EventUpload.objects.exists()
        assert kept_files() == []

    def test_a_gzip_bomb_is_refused(self, monkeypatch):
        monkeypatch.setattr(lines, "RATIO_FROM_BYTES", 1 << 20)
        with pytest.raises(UnreadableEvents, match="200 times"):
            received(gzip.compress(b"\0" * (4 << 20), mtime=0))

    def test_a_gzip_that_breaks_off_is_refused(self):
        with pytest.raises(UnreadableEvents, match="breaks off"):
            received(gzip.compress(jsonl(changes.make(100)), mtime=0)[:-20])
        assert not EventUpload.objects.exists()

    def test_a_bucket_that_takes_nothing_is_told_and_the_same_file_may_come_again(
        self, monkeypatch
    ):
        def full(self, key, content):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(DiskBucket, "put", full)
            with pytest.raises(NotKept, match="No space left"):
                received(b"{}\n")
        received(b"{}\n")
        assert len(kept_files()) == 1

    def test_bytes_that_are_gone_from_the_bucket_are_missed_in_plain_words(self):
        upload = received(b"{}\n")
        buckets.scoring().delete(upload.key)
        with pytest.raises(UnreadableEvents, match="upload it again"):
            uploads.process(uploads.open_job(upload, by=None).pk)

    def test_a_number_that_no_upload_has_is_refused(self):
        with pytest.raises(UnknownUpload, match="4711"):
            uploads.upload_of(4711)

    def test_names_are_cut_to_what_can_be_kept(self):
        upload = received(b"{}\n", name="a\x00b" * 200)
        assert len(upload.name) == 255
        assert "\x00" not in upload.name
        assert upload.created_at <= timezone.now()
