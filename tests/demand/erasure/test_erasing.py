"""A fan is erased from the archive's files, error files and tables; everybody else's records keep
their bytes. [X-11]
"""

from __future__ import annotations

import io
import json
from itertools import count

import pytest
from django.core.files.storage import storages

from datalake.models import LakeFile
from datalake.storage import buckets
from demand.archiving import archive
from demand.choices import BatchState
from demand.erasure import erasing
from demand.erasure.erasing import Place
from demand.erasure.scrubbing import ERASED
from demand.errors import CannotErase
from demand.events.redaction import REDACTED
from demand.models import Batch, CurrentRecord, ErrorFile, Snapshot
from demand.sources import uploads
from tests.demand.erasure.erasure_cases import (
    BAD,
    FAN,
    GONE,
    MINE,
    MY_NOTE,
    OTHERS,
    erase,
    is_erased,
    kept,
    records,
)
from tests.support import cloud
from tests.support.change_events import DEMAND, EVENT, SALE, archived, change

pytestmark = pytest.mark.django_db


def test_x11_the_fans_records_are_erased_in_every_file_and_their_rows_are_gone():
    archived([MINE, *OTHERS, MY_NOTE, change(EVENT), change(SALE)])
    archived([OTHERS[0], GONE])
    before = LakeFile.objects.count()
    places, erased = erase()
    is_erased()
    files = [place for place in places if place.what == erasing.FILE]
    assert {(place.name.split("/")[2], place.count) for place in files} == {
        ("demand", 1),
        ("notification", 1),
    }
    assert len(files) == 3
    rows = [(place.name, place.count) for place in places if place.what == erasing.TABLE]
    assert sorted(rows) == [("current records", 1), ("current records", 1)] + [("snapshots", 1)] * 3
    assert erased.left == []
    assert LakeFile.objects.count() == before
    mine = [
        record
        for file in LakeFile.objects.all()
        for record, _ in records(file.key)
        if record.get("fanId") == ERASED
    ]
    assert {record["reference"]["id"] for record in mine} == {f"event-1_sale-1_{ERASED}"}
    assert {record["phoneNumber"] for record in mine} == {REDACTED}
    assert {record["systemUserId"] for record in mine if record["type"] == "demand"} == {ERASED}


def test_x11_a_file_without_the_fan_is_not_touched_though_a_reference_ends_alike():
    archived([change(DEMAND, fanId=f"x_{FAN}"), change(EVENT)])
    before = kept()
    assert erase()[0] == []
    assert kept() == before


def test_x11_of_two_fans_with_one_reference_only_the_erased_one_goes():
    """`a_b` + `c` and `a` + `b_c` read the same in a reference; the record tells whose it is."""
    archived(
        [
            change(DEMAND, saleId="sale_x", fanId=FAN),
            change(DEMAND, saleId="sale", fanId=f"x_{FAN}"),
        ]
    )
    erase()
    assert CurrentRecord.objects.get().fan_id == f"x_{FAN}"
    (file,) = LakeFile.objects.all()
    assert [record["fanId"] for record, _ in records(file.key)] == [ERASED, f"x_{FAN}"]
    assert Snapshot.objects.get().number == 1


def test_x11_events_in_error_files_that_speak_of_the_fan_go_also_inside_base64_and_the_others_stay():
    broken = b'{"eventName": "INSERT", "fanId": "%s", ' % FAN.encode()
    archived([BAD, change(DEMAND, fanId="fan-2", date={"requested": "never"}), broken, b"{ fan-2"])
    places, _ = erase()
    is_erased()
    counts = {place.name: place.count for place in places}
    assert counts == dict.fromkeys(ErrorFile.objects.values_list("key", flat=True), 1)
    events = [
        event for data in kept("demand/errors/").values() for event in json.loads(data)["events"]
    ]
    assert events.count(ERASED) == 2
    assert any('"fan-2"' in event for event in events)


def test_x11_an_erasure_of_nobody_touches_nothing_and_a_second_one_neither():
    archived([MINE, BAD, *OTHERS])
    before = kept()
    assert erase("fan-nobody")[0] == []
    assert kept() == before
    erase()
    after = kept()
    assert erase()[0] == []
    assert kept() == after


@pytest.mark.parametrize("fan", ["", " ", " x", "x\0y", "x" * 801, ERASED])
def test_x11_what_is_no_fan_id_is_refused_without_being_named(fan):
    with pytest.raises(CannotErase) as refused:
        erase(fan)
    assert not fan.strip() or fan not in str(refused.value)


def test_x11_what_is_not_archived_yet_is_named_as_left():
    archived([MINE])
    archive.claim("file:0", "1", "9", 9)
    uploads.receive("more.jsonl", io.BytesIO(MINE), by=None)
    _, erased = erase()
    assert [(left.place, left.count) for left in erased.left] == [
        ("batches of the demand archive", 1),
        ("uploaded files of change events", 1),
    ]
    is_erased()


def test_x11_a_batch_that_is_archived_while_an_erasure_looks_is_waited_for_and_looked_into(
    monkeypatch,
):
    """The batch is open when the fan is looked for first, and its records come a moment later."""
    archived([MINE])
    batch = archive.claim("kinesis:s/0", "late", "late", 2)
    looks = count()

    def sleep(seconds: float) -> None:
        if next(looks) == 0:
            archive.archive(batch, [MY_NOTE, OTHERS[0]])

    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 30)
    monkeypatch.setattr(erasing.time, "sleep", sleep)
    _, erased = erase()
    is_erased()
    assert erased.left == []
    assert erased.until > Batch.objects.get(pk=batch.pk).done_at


def test_x11_files_that_a_lost_or_open_batch_left_in_the_bucket_are_erased_too():
    batch = archive.claim("kinesis:s/0", "1", "1", 3)
    archive.write([archive.Part(batch, archive.decide_batch(batch, [MINE, OTHERS[0], BAD]))])
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.LOST)
    places, erased = erase()
    is_erased()
    assert sorted(place.what for place in places) == ["error file", "file"]
    assert erased.left == []


def test_x11_a_file_of_somebody_else_among_the_archives_is_named_and_holds_up_nothing():
    archived([MINE])
    buckets.campaign_data().put("demand/data/demand/foreign.avro", b"PAR1")
    _, erased = erase()
    assert [(left.place, left.count) for left in erased.left] == [
        ("files in the demand archive that Fairwave did not write", 1)
    ]


def test_x11_a_damaged_file_is_named_all_others_are_erased_and_the_erasure_is_not_done():
    archived([MINE, BAD])
    broken = LakeFile.objects.get().key
    data = kept()[broken]
    archived([MY_NOTE, GONE])
    buckets.campaign_data().put(broken, data[:-9])
    with pytest.raises(CannotErase, match="could not be erased from 1 object") as refused:
        erase()
    assert broken in str(refused.value)
    buckets.campaign_data().put(broken, data)
    erase()
    is_erased()


def test_x11_what_a_worker_put_back_after_the_erasure_is_found_by_the_next_one():
    """A worker that was taken over wakes when all is done, and writes the file it had decided."""
    archived([MINE, OTHERS[0]])
    (file,) = LakeFile.objects.all()
    data = kept()[file.key]
    erase()
    buckets.campaign_data().put(file.key, data)
    places, _ = erase(again=[file.key])
    assert places == [Place(erasing.FILE, file.key, 1)]
    is_erased()


def test_x11_what_killed_processes_left_half_written_is_gone_too(bucket_folders):
    archived([MINE, OTHERS[0]])
    left = [
        bucket_folders
        / "campaign-data/demand/data/demand/partition_date=2026-01-20/.0123456789abcdef.part",
        bucket_folders / "campaign-data/demand/errors/.0123456789abcdef.part",
        bucket_folders / "scoring/demand/uploaded/.0123456789abcdef.part",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"half of a file with {FAN}".encode())
    erase()
    assert [path.exists() for path in left] == [False, False, False]


@pytest.fixture
def lake(settings, monkeypatch):
    """The campaign data bucket on a server of S3's contract."""
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0)
    with cloud.running(settings, monkeypatch) as amazon:
        amazon.s3.create_bucket(Bucket="lake")
        options = {
            "bucket_name": "lake",
            "location": "here",
            "endpoint_url": amazon.address,
            "signature_version": "s3v4",
        }
        settings.STORAGES |= {
            "campaign-data": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        yield amazon.s3


@pytest.mark.processes
def test_x11_files_and_error_files_on_s3_are_erased(lake):
    archived([MINE, *OTHERS, MY_NOTE, BAD])
    places, erased = erase()
    is_erased()
    assert sorted(place.what for place in places if place.what != erasing.TABLE) == [
        "error file",
        "file",
        "file",
    ]
    assert erased.left == []


@pytest.mark.processes
def test_x11_a_bucket_that_keeps_versions_is_named_for_the_fan_is_still_in_them(lake):
    lake.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    archived([MINE, OTHERS[0]])
    _, erased = erase()
    assert [left.place for left in erased.left] == ["older versions of replaced objects"]
    key = f"here/{next(buckets.campaign_data().list('demand/data/'))}"
    assert len(lake.list_object_versions(Bucket="lake", Prefix=key)["Versions"]) == 2
