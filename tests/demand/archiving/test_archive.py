"""A batch goes into the archive once: files, catalogue, error files, snapshots, states, all or
nothing. [D-5, D-8]
"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.db import IntegrityError, transaction

from datalake.avro import container
from datalake.catalogue import add_hashes, as_text
from datalake.models import LakeFile, LakePartition
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from demand.archiving import archive
from demand.choices import BatchState
from demand.errors import BatchTaken
from demand.models import Batch, CurrentRecord, Delivery, ErrorFile, Snapshot
from operations.models import Alert
from sandbox import changes
from tests.support.change_events import DEMAND, EVENT, NOTIFICATION, SALE, change

pytestmark = pytest.mark.django_db

ALL_TYPES = [change(DEMAND), change(NOTIFICATION), change(EVENT), change(SALE)]
STREAM = "kinesis:demand-stream/shard-0"


def claimed(raws, *, source="test", first="1") -> Batch:
    return archive.claim(source, first, first, len(raws))


def in_bucket() -> list[str]:
    return list(buckets.campaign_data().list("demand/"))


def records_of(key: str) -> list[dict]:
    with buckets.campaign_data().open(key) as file:
        return list(container.read_records(file))


def everything() -> dict[str, object]:
    """All that a batch leaves behind, numbers of rows aside."""
    return {
        "files": {key: buckets.campaign_data().sha256(key) for key in in_bucket()},
        "lake": sorted(
            LakeFile.objects.values_list("key", "records", "bytes", "content_hash", "sha256")
        ),
        "days": sorted(
            LakePartition.objects.values_list("record_type", "day", "records", "content_hash")
        ),
        "deliveries": sorted(Delivery.objects.values_list("file__key", "batch__first")),
        "errors": sorted(ErrorFile.objects.values_list("key", "error_type", "events")),
        "snapshots": Counter(
            Snapshot.objects.values_list("reference_id", "record_type", "number", "changed_at")
        ),
        "states": sorted(
            map(
                str,
                CurrentRecord.objects.values_list(
                    "reference_id", "record_type", "changed_at", "record"
                ),
            )
        ),
        "batches": sorted(
            Batch.objects.values_list("first", "state", "events", "archived", "errors")
        ),
    }


def test_d8_each_file_is_in_the_catalogue_as_it_lies_in_the_bucket():
    batch = archive.archive(claimed(ALL_TYPES), ALL_TYPES)
    assert (batch.state, batch.archived, batch.errors) == (BatchState.DONE, 4, 0)
    assert batch.type_counts == {"demand": 1, "notification": 1, "event": 1, "sale": 1}
    files = LakeFile.objects.order_by("key")
    assert [file.key for file in files] == in_bucket()
    for file in files:
        assert file.sha256 == buckets.campaign_data().sha256(file.key)
        assert file.bytes == buckets.campaign_data().size(file.key)
        assert len(records_of(file.key)) == file.records == 1
        assert f"partition_date={file.period}" in file.key
        assert file.delivery.batch == batch


def test_l9_the_totals_of_a_day_are_the_sums_over_its_files():
    for number in range(3):
        raws = list(changes.make(50, seed=number))
        archive.archive(claimed(raws, first=str(number)), raws)
    assert LakePartition.objects.count() > 3
    for day in LakePartition.objects.all():
        files = LakeFile.objects.filter(record_type=day.record_type, period=str(day.day))
        assert day.records == sum(file.records for file in files)
        assert day.content_hash == as_text(
            add_hashes([int(file.content_hash, 16) for file in files])
        )


def test_br020_a_snapshot_leads_to_its_record_in_its_file():
    raws = list(changes.make(80, bad=0.1))
    archive.archive(claimed(raws), raws)
    assert Snapshot.objects.count() == Batch.objects.get().archived
    for snapshot in Snapshot.objects.all():
        record = records_of(LakeFile.objects.get(pk=snapshot.file_id).key)[snapshot.number]
        assert (record["reference"]["id"], record["type"]) == (
            snapshot.reference_id,
            snapshot.record_type,
        )


def test_br014_error_files_lie_in_the_bucket_and_are_known():
    raws = [b"{", *ALL_TYPES, b"{}"]
    batch = archive.archive(claimed(raws), raws)
    assert (batch.events, batch.archived, batch.errors) == (6, 4, 2)
    assert batch.error_counts == {"not_json": 1, "wrong_envelope": 1}
    for error_file in batch.error_files.all():
        with buckets.campaign_data().open(error_file.key) as file:
            document = json.load(file)
        assert document["error"]["type"] == error_file.error_type
        assert len(document["events"]) == error_file.events == 1


def test_d5_a_batch_that_is_done_is_not_done_again():
    batch = archive.archive(claimed(ALL_TYPES), ALL_TYPES)
    before = everything()
    again = archive.archive(claimed(ALL_TYPES), ALL_TYPES)
    assert (again.pk, again.attempt, again.state) == (batch.pk, 1, BatchState.DONE)
    assert everything() == before


def test_d5_an_attempt_that_was_overtaken_changes_nothing():
    batch, overtaken = claimed(ALL_TYPES), claimed(ALL_TYPES)
    archive.begin([overtaken])
    part = archive.Part(overtaken, archive.decide_batch(overtaken, ALL_TYPES))
    batch.refresh_from_db()
    archive.archive(batch, ALL_TYPES)
    before = everything()
    with pytest.raises(BatchTaken, match="another worker"):
        archive.deliver([part])
    assert everything() == before


def test_two_workers_with_the_same_claim_do_not_both_begin():
    first, second = claimed(ALL_TYPES), claimed(ALL_TYPES)
    archive.begin([first])
    with pytest.raises(BatchTaken):
        archive.archive(second, ALL_TYPES)
    assert in_bucket() == []


def test_a_claim_that_is_known_keeps_its_time_and_its_range():
    batch = claimed(ALL_TYPES)
    again = archive.claim("test", "1", "77", 99)
    assert (again.pk, again.created_at, again.last, again.events) == (
        batch.pk,
        batch.created_at,
        "1",
        4,
    )
    with pytest.raises(ValueError, match="has 4 events, not 2"):
        archive.archive(again, ALL_TYPES[:2])


def test_while_storage_is_down_a_batch_stays_open_and_ends_as_if_it_never_had_been(monkeypatch):
    raws = list(changes.make(40, bad=0.2))
    put, calls = DiskBucket.put, []

    def failing_at_times(self, key, content):
        calls.append(key)
        if len(calls) % 2:
            raise OSError(28, "No space left on device")
        put(self, key, content)

    batch = claimed(raws)
    with monkeypatch.context() as patched:
        patched.setattr(DiskBucket, "put", failing_at_times)
        with pytest.raises(OSError, match="No space left"):
            archive.archive(batch, raws)
    assert Batch.objects.get().state == BatchState.OPEN
    assert not LakeFile.objects.exists()
    assert not CurrentRecord.objects.exists()
    assert not ErrorFile.objects.exists()
    done = archive.archive(batch, raws)
    assert (done.state, done.attempt) == (BatchState.DONE, 2)
    assert in_bucket() == sorted(
        [
            *LakeFile.objects.values_list("key", flat=True),
            *ErrorFile.objects.values_list("key", flat=True),
        ]
    )


@pytest.mark.parametrize(
    "step", ["_finish", "_enter_files", "_enter_error_files", "_alert", "_register_partitions"]
)
@pytest.mark.parametrize("after", [False, True])
def test_d5_whatever_step_fails_the_next_attempt_ends_as_an_undisturbed_one(
    monkeypatch, step, after
):
    """What is committed before the failure is done; what is not is done again, to the same files
    and rows.
    """
    raws = list(changes.make(30, bad=0.2))
    done = getattr(archive, step)

    def failing(given):
        if after:
            done(given)
        raise RuntimeError(step)

    batch = claimed(raws, source=STREAM)
    with monkeypatch.context() as patched:
        patched.setattr(archive, step, failing)
        with pytest.raises(RuntimeError, match=step):
            archive.archive(batch, raws)
    committed = step == "_register_partitions"
    assert (Batch.objects.get().state == BatchState.DONE) == committed
    assert Snapshot.objects.exists() == committed
    archive.archive(archive.claim(STREAM, "1", "1", len(raws)), raws)
    disturbed = everything()
    archive.archive(claimed(raws, source=STREAM), raws)
    assert everything() == disturbed
    assert set(disturbed["files"]) == {
        key for key, *_ in (*disturbed["lake"], *disturbed["errors"])
    }
    assert disturbed["batches"][0][1:3] == ("done", 30)


def test_d5_the_ledger_is_a_constraint_of_the_database():
    batch = archive.archive(claimed(ALL_TYPES), ALL_TYPES)
    with pytest.raises(IntegrityError, match="demand_batch_ledger"), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(archived=3)
    with pytest.raises(IntegrityError, match="demand_batch_ledger"), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(errors=1)


def test_slack_hears_of_a_streams_errors_but_not_with_each_batch():
    for number in range(3):
        archive.archive(claimed([b"{", b"["], source=STREAM, first=str(number)), [b"{", b"["])
    (alert,) = Alert.objects.all()
    assert STREAM in alert.text
    assert "2 of 2 change events could not be archived: Not JSON 2." in alert.text
    archive.archive(claimed([b"{"], source="kinesis:demand-stream/shard-1"), [b"{"])
    assert Alert.objects.count() == 2


def test_slack_hears_of_nothing_where_all_is_archived_or_no_stream_is_read():
    archive.archive(claimed(ALL_TYPES, source=STREAM), ALL_TYPES)
    archive.archive(claimed([b"{"], source="replay:x"), [b"{"])
    assert not Alert.objects.exists()


def test_glue_hears_of_new_files_after_the_commit(settings, monkeypatch):
    heard = []
    monkeypatch.setattr(
        "demand.archiving.glue_partitions.register",
        lambda files: heard.append(sorted(file.key for file in files)),
    )
    settings.GLUE_DATABASE = "fairwave"
    archive.archive(claimed(ALL_TYPES), ALL_TYPES)
    assert heard == [in_bucket()]


def test_what_no_database_can_keep_is_no_obstacle_to_the_rest():
    nul, tab = (
        change(DEMAND, eventName="a\x00b", fanId="fan-2"),
        change(DEMAND, fanId="fan\t3\\", saleName="\\N\n"),
    )
    raws = [
        nul,
        tab,
        change(DEMAND, fanId="fan\x004"),
        change(DEMAND, fanId="x" * 900),
        change(DEMAND, sequence=10**80),
    ]
    batch = archive.archive(claimed(raws), raws)
    assert (batch.archived, batch.errors) == (3, 2)
    assert CurrentRecord.objects.get(fan_id="fan-2").record["eventName"] == "ab"
    odd = CurrentRecord.objects.get(fan_id="fan\t3\\")
    assert odd.record["saleName"] == "\\N"
    assert odd.reference_id == "event-1_sale-1_fan\t3\\"
    assert Snapshot.objects.filter(reference_id=odd.reference_id).count() == 1
