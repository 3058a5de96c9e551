"""A fan is erased from the archive's files, error files and tables; everybody else's records keep
their bytes. [X-11]
"""

from __future__ import annotations

import base64
import io
import json
import threading
from itertools import count

import pytest
from django.db import connection

from datalake.avro import container
from datalake.avro.columns import add_hashes, content_hash
from datalake.models import LakeFile, LakePartition
from datalake.storage import buckets
from demand.archiving import archive
from demand.choices import BatchState
from demand.erasure import erasing, rewriting
from demand.erasure.erasing import Place
from demand.erasure.scrubbing import ERASED
from demand.errors import CannotErase
from demand.events.redaction import REDACTED
from demand.models import Batch, CurrentRecord, ErrorFile, Snapshot
from demand.sources import uploads
from tests.support.change_events import DEMAND, EVENT, NOTIFICATION, SALE, archived, change

pytestmark = pytest.mark.django_db

FAN = "fan-4f9c1e"
CANARIES = ("+12025550177", "canary@example.com", "Dear Canary", "member-canary")
OF_THE_FAN = {
    "fanId": FAN,
    "phoneNumber": CANARIES[0],
    "email": CANARIES[1],
}
MINE = change(DEMAND, systemUserId=f"legacy.db7.{CANARIES[3]}", **OF_THE_FAN)
MY_NOTE = change(NOTIFICATION, messageBody=CANARIES[2], **OF_THE_FAN)
OTHERS = [change(DEMAND, fanId=fan) for fan in ("fan-2", f"{FAN}2", f"x_{FAN}", f"x-{FAN}")]
GONE = change(DEMAND, "REMOVE", **OF_THE_FAN, at=1_790_000_100)
BAD = change(DEMAND, **OF_THE_FAN, date={"requested": "never"})


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0)


def erase(fan: str = FAN, **options) -> tuple[list[Place], erasing.Erased]:
    places: list[Place] = []
    erased = erasing.erase(fan, touch=places.append, **options)
    return places, erased


def kept(*prefixes: str) -> dict[str, bytes]:
    bucket = buckets.campaign_data()
    return {
        key: bucket.open(key).read() for prefix in prefixes or ("",) for key in bucket.list(prefix)
    }


def everything() -> str:
    """All that the bucket holds, unpacked: records of the files, events of the error files, base64
    within them.
    """
    texts = []
    for key, data in kept().items():
        if key.endswith(".avro"):
            with buckets.campaign_data().open(key) as source:
                texts += [json.dumps(record) for record in container.read_records(source)]
        else:
            texts.append(data.decode())
            events = [
                json.loads(event) if event != ERASED else {} for event in json.loads(data)["events"]
            ]
            texts += [
                base64.b64decode(event["raw"]).decode("utf-8", "replace")
                for event in events
                if "raw" in event
            ]
    return "\n".join(texts)


def records(key: str) -> list[tuple[dict, bytes]]:
    with buckets.campaign_data().open(key) as source:
        return list(container.split(source))


def catalogue_is_true() -> None:
    """Each entry is what lies there; each day's total is the sum of its files."""
    for file in LakeFile.objects.all():
        data = [data for _, data in records(file.key)]
        with buckets.campaign_data().open(file.key) as source:
            header = container.read_header(source)
        summary = container.Summary(len(data), content_hash(data))
        assert (
            header.summary == summary == container.Summary(file.records, int(file.content_hash, 16))
        )
        bucket = buckets.campaign_data()
        assert (file.bytes, file.sha256) == (bucket.size(file.key), bucket.sha256(file.key))
    for day in LakePartition.objects.all():
        files = LakeFile.objects.filter(record_type=day.record_type, period=str(day.day))
        assert day.records == sum(file.records for file in files)
        assert int(day.content_hash, 16) == add_hashes(
            [int(file.content_hash, 16) for file in files]
        )


def is_erased() -> None:
    text = everything()
    assert [canary for canary in CANARIES if canary in text] == []
    assert f'"{FAN}"' not in text
    assert not CurrentRecord.objects.filter(fan_id=FAN).exists()
    assert not Snapshot.objects.filter(reference_id=f"event-1_sale-1_{FAN}").exists()
    assert list(buckets.campaign_data().list("demand/erasing/")) == []
    catalogue_is_true()


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


def test_x11_the_records_of_others_keep_their_bytes_place_and_rows():
    batch = archived([OTHERS[0], MINE, *OTHERS[1:], GONE])
    (file,) = LakeFile.objects.filter(delivery__batch=batch)
    before = records(file.key)
    snapshots = set(
        Snapshot.objects.exclude(reference_id__endswith=f"sale-1_{FAN}").values_list(
            "file_id", "number"
        )
    )
    erase()
    after = records(file.key)
    assert [data for record, data in after if record["fanId"] != ERASED] == [
        data for record, data in before if record["fanId"] != FAN
    ]
    assert [record["fanId"] == ERASED for record, _ in after] == [
        record["fanId"] == FAN for record, _ in before
    ]
    assert set(Snapshot.objects.values_list("file_id", "number")) == snapshots
    assert set(CurrentRecord.objects.values_list("fan_id", flat=True)) == {
        "fan-2",
        f"{FAN}2",
        f"x_{FAN}",
        f"x-{FAN}",
    }


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
        ("foreign files among those of the demand archive", 1)
    ]


def test_x11_a_damaged_file_is_named_all_others_are_erased_and_the_erasure_is_not_done():
    archived([MINE, BAD])
    broken = LakeFile.objects.get().key
    data = kept()[broken]
    archived([MY_NOTE, GONE])
    buckets.campaign_data().put(broken, data[:-9])
    with pytest.raises(CannotErase, match="1 objects cannot be erased from") as refused:
        erase()
    assert broken in str(refused.value)
    buckets.campaign_data().put(broken, data)
    erase()
    is_erased()


def test_x11_a_file_that_is_not_what_the_catalogue_says_is_not_overwritten():
    archived([MINE, OTHERS[0]])
    LakeFile.objects.update(content_hash="0" * 64)
    before = kept()
    with pytest.raises(CannotErase, match="not what the catalogue says"):
        erase()
    assert kept() == before


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


def test_x11_a_reader_who_has_a_file_open_meanwhile_reads_it_as_it_was():
    archived([MINE, OTHERS[0]])
    (file,) = LakeFile.objects.all()
    with buckets.campaign_data().open(file.key) as reading:
        container.read_header(reading)
        reading.seek(0)
        erase()
        assert [record["fanId"] for record in container.read_records(reading)] == [FAN, "fan-2"]


class Killed(BaseException):
    """As a SIGKILL: nothing behind it runs."""


STEPS = [
    (buckets.DiskBucket, "put"),
    (buckets.DiskBucket, "copy"),
    (buckets.DiskBucket, "delete"),
    (rewriting.catalogue, "enter_rewritten"),
    (erasing, "_delete"),
    (erasing, "_erase_error_files"),
    (erasing, "_erase_unclaimed"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 4])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_x11_killed_between_any_two_steps_the_next_run_ends_the_same_and_no_place_is_missed(
    owner, name, nth, after, monkeypatch
):
    archived([MINE, *OTHERS, MY_NOTE, BAD])
    archived([OTHERS[0], GONE, b"not json: fan-4f9c1e"])
    numbers = count(1)
    real = getattr(owner, name)

    def dying(*arguments, **options):
        number = next(numbers)
        if number == nth and not after:
            raise Killed
        result = real(*arguments, **options)
        if number == nth:
            raise Killed
        return result

    places: list[Place] = []
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, dying)
        try:
            erasing.erase(FAN, touch=places.append)
        except Killed:
            connection.close()  # with it go transaction and locks
    erasing.erase(FAN, touch=places.append)
    is_erased()
    objects = {
        (place.what, place.name, place.count) for place in places if place.what != erasing.TABLE
    }
    assert sorted(what for what, _, _ in objects) == ["error file"] * 2 + ["file"] * 3
    assert {
        n: sum(place.count for place in places if place.name == n)
        for n in ("current records", "snapshots")
    } == {
        "current records": 2,
        "snapshots": 3,
    }


@pytest.mark.django_db(transaction=True)
def test_x11_what_one_erasure_left_half_done_another_fans_erasure_finishes(monkeypatch):
    archived([MINE, OTHERS[0]])
    with monkeypatch.context() as patched:
        patched.setattr(
            rewriting.catalogue,
            "enter_rewritten",
            lambda *arguments, **options: (_ for _ in ()).throw(Killed),
        )
        with pytest.raises(Killed):
            erase()
    connection.close()
    erase("fan-2")
    catalogue_is_true()
    places, _ = erase()
    is_erased()
    assert [record["fanId"] for record, _ in records(LakeFile.objects.get().key)] == [
        ERASED,
        ERASED,
    ]
    assert [(place.name, place.count) for place in places] == [("snapshots", 1)]


@pytest.mark.django_db(transaction=True)
def test_x11_erasures_of_two_fans_at_once_in_one_file_both_take_effect():
    archived([MINE, *OTHERS, MY_NOTE])
    failures = []

    def one(fan: str) -> None:
        try:
            erase(fan)
        except BaseException as error:  # noqa: BLE001 a thread's error is told below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(fan,)) for fan in (FAN, "fan-2", FAN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    is_erased()
    demands = LakeFile.objects.get(record_type="demand")
    assert [record["fanId"] for record, _ in records(demands.key)] == [
        ERASED,
        ERASED,
        f"{FAN}2",
        f"x_{FAN}",
        f"x-{FAN}",
    ]


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
