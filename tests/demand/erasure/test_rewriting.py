"""An object gets other content where it lies, and nothing is lost by a death anywhere. [X-11]"""

from __future__ import annotations

import threading
from itertools import count

import pytest
from django.db import connection

from datalake.avro import container
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.erasure import erasing, rewriting
from demand.erasure.erasing import Place
from demand.erasure.scrubbing import ERASED
from demand.errors import CannotErase
from demand.models import CurrentRecord, Snapshot
from tests.demand.erasure.erasure_cases import (
    BAD,
    FAN,
    GONE,
    MINE,
    MY_NOTE,
    OTHERS,
    catalogue_is_true,
    erase,
    is_erased,
    kept,
    records,
)
from tests.support.change_events import archived
from tests.support.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.django_db


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


def test_x11_a_file_that_is_not_what_the_catalogue_says_is_not_overwritten():
    archived([MINE, OTHERS[0]])
    LakeFile.objects.update(content_hash="0" * 64)
    before = kept()
    with pytest.raises(CannotErase, match="does not match its catalog entry"):
        erase()
    assert kept() == before


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
        thread.join(LIMIT_SECONDS)
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
