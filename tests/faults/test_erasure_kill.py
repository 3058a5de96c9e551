"""An erasure that is killed, really and anywhere: run again, it is whole, and its receipt misses
nothing. [X-11]
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from console.erasure.receipts import as_result
from console.models import Erasure
from datalake.models import LakeFile
from demand.models import CurrentRecord, ErrorFile
from tests.demand.erasure.test_erasing import BAD, FAN, MINE, MY_NOTE, OTHERS, is_erased, kept
from tests.support.change_events import DEMAND, NOTIFICATION, archived, change
from tests.support.people import staff
from tests.support.processes import STATEMENT, Process, command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

EVERYWHERE = bool(os.environ.get("FAIRWAVE_FULL"))
CALLS = [
    ("datalake.storage.buckets:DiskBucket.copy", 2),
    ("datalake.catalogue:enter_rewritten", 1),
    ("datalake.storage.buckets:DiskBucket.delete", 3),
    ("console.erasure.receipts:write_down", 3),
]
if EVERYWHERE:
    STEPS = (
        "datalake.storage.buckets:DiskBucket.put",
        "demand.erasure.erasing:_delete",
        *(call for call, _ in CALLS),
    )
    CALLS = [(call, nth) for call in STEPS for nth in range(1, 7)]


def start(**deadly: str | int) -> Process:
    """An erasure that waits for no other work."""
    return command(
        *("erase_fan", FAN, "--by", "eraser", "--reason", "asked by letter", "--json"),
        constants={"demand.erasure.erasing:PATIENCE_SECONDS": 0},
        **deadly,
    )


def filled() -> dict[str, int]:
    """An archive with the fan in it; what the receipt has to list."""
    staff("eraser", "console.erase_fan")
    for day in ("03", "04"):
        date = {"requested": f"2026-10-{day}T12:00:00Z"}
        archived(
            [
                change(DEMAND, fanId=FAN, eventId=day, date=date),
                change(DEMAND, fanId="fan-2", date=date),
                BAD,
            ]
        )
    archived([MINE, *OTHERS, MY_NOTE, change(NOTIFICATION, fanId="fan-2")])
    expected = dict.fromkeys(LakeFile.objects.values_list("key", flat=True), 1)
    expected |= dict.fromkeys(ErrorFile.objects.values_list("key", flat=True), 1)
    return expected | {
        "current records": CurrentRecord.objects.filter(fan_id=FAN).count(),
        "snapshots": len(expected) - 2,
    }


def is_whole(result: dict, expected: dict[str, int]) -> None:
    is_erased()
    assert {place["name"]: place["count"] for place in result["places"]} == expected
    assert Erasure.objects.get(pk=result["receipt"]).finished_at


@pytest.mark.parametrize(("call", "nth"), CALLS)
def test_x11_killed_at_a_step_the_receipt_is_open_and_the_next_run_completes_it(call, nth):
    expected = filled()
    status = start(killed_at=call, nth=nth).wait()
    if status == 0:
        pytest.skip("this erasure has no such step so often")
    assert status == -signal.SIGKILL
    (left,) = Erasure.objects.all()
    assert left.finished_at is None
    result = start().result()
    assert result["receipt"] == left.pk
    is_whole(result, expected)


def test_x11_of_two_erasures_of_one_fan_at_once_one_is_whole_and_the_other_finds_nothing_left():
    """Or is told that the first one is at work."""
    expected = filled()
    both = [start(held=True), start(held=True)]
    for process in both:
        process.expect("ready")
    for process in both:
        process.go_on()
    ended = [process.wait() for process in both]
    assert sorted(ended) in ([0, 0], [0, 1])
    whole = Erasure.objects.order_by("pk").first()
    is_whole(as_result(whole), expected)
    assert not Erasure.objects.exclude(pk=whole.pk).filter(places__isnull=False).exists()
    assert all(
        "another worker is running it" in process.last_line()["error"]
        for process, status in zip(both, ended, strict=True)
        if status
    )


@pytest.mark.full
def test_x11_killed_before_any_statement_again_and_again():
    expected = filled()
    others = [change(DEMAND, fanId=f"other-{number}") for number in range(300)]
    archived([*others, change(DEMAND, fanId=FAN, eventId="late")])
    late = LakeFile.objects.order_by("-pk")[0].key
    expected |= {
        late: 1,
        "current records": expected["current records"] + 1,
        "snapshots": expected["snapshots"] + 1,
    }
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "11"))
    for _ in range(20):
        start(killed_at=STATEMENT, nth=dice.randrange(1, 120)).wait()
    result = start().result()
    is_erased()
    named = {
        place["name"]: place["count"]
        for receipt in Erasure.objects.all()
        for place in receipt.places.values()
    }
    assert named == expected
    assert result["places"] == [] or Erasure.objects.count() == 1
    assert FAN.encode() not in b"".join(kept().values())
