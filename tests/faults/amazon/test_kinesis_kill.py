"""Publisher and consumer of streams on Kinesis, really killed: each record takes effect once.
[L-2, T-1]
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from datalake import streams
from datalake.models import Checkpoint, Claim, LakeFile, StreamBatch
from tests.datalake.lake_cases import ids, readable_ids
from tests.support import kinesis
from tests.support.lake import lake_bytes, publish_scores
from tests.support.processes import STATEMENT, Process, command
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
RECORDS, KILLS, BATCH = (30_000, 20, 150) if FULL else (3_000, 3, 100)
# call → how often it may be made before the process dies at it
PLACES = {
    STATEMENT: 60,
    "datalake.aws.kinesis:KinesisStream.put": 8,
    "datalake.aws.kinesis:KinesisStream.read": 2,
    "datalake.streams.lanes:Lane.move_on": 8,
    "datalake.streams.deduplication:mark": 1,
    "datalake.storage.buckets:DiskBucket.put": 1,
    "datalake.catalogue:enter_saved": 1,
}


@pytest.fixture
def stream(settings, monkeypatch, bucket_folders):
    with kinesis.engine_running(settings, monkeypatch, name="fairwave-scored") as found:
        yield found


def consume(**deadly: str | int | bool) -> Process:
    return command("consume", "lake", "--once", "--json", **deadly)


def test_t1_publisher_and_consumer_that_die_again_and_again_lose_and_double_nothing(stream):
    """Three kills over 3,000 records; 20 over 30,000 in the full run. Meanwhile the stream is
    split and merged.
    """
    seed = int(os.environ.get("SEED") or random.randrange(100_000))
    print(f"SEED={seed}")  # noqa: T201
    chance, published, killed = random.Random(seed), 0, 0
    for turn in range(KILLS):
        while published < RECORDS * (turn + 1) // KILLS:
            publish_scores(BATCH, first=published, key=f"after {published}")
            published += BATCH
        if turn == KILLS // 3:
            stream.merge(*stream.shards())
        elif turn == 2 * KILLS // 3:
            stream.split(stream.shards()[-1])
        call = chance.choice(list(PLACES))
        about = {"nth": chance.randint(1, PLACES[call]), "after": chance.random() < 0.5}
        dying = consume(killed_at=call, **about)
        assert dying.wait() in {0, -signal.SIGKILL}, dying.errors
        killed += dying.wait() != 0
    ledger = consume().result()["lake"]
    assert ledger["lag"] == 0
    assert killed
    assert readable_ids() == ids(published)
    assert streams.reached("lake", "scored") == StreamBatch.objects.count()
    assert set(Claim.objects.values_list("state", flat=True)) == {"done"}
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))
    assert sum(LakeFile.objects.values_list("records", flat=True)) == published
    ended = Checkpoint.objects.filter(consumer="lake", stream="scored", ended=True)
    assert ended.count() == 3


@pytest.mark.parametrize("call", [each for each in PLACES if each != STATEMENT])
@pytest.mark.full
def test_t1_whatever_the_process_dies_before_or_after_the_next_one_ends_it(stream, call):
    for number, after in enumerate((False, True)):
        publish_scores(30, first=30 * number, key=str(number))
        assert consume(killed_at=call, after=after).wait() == -signal.SIGKILL
    assert consume().result()["lake"]["lag"] == 0
    assert readable_ids() == ids(60)


def test_t1_a_process_that_is_stopped_loses_its_shard_and_moves_nothing_when_it_wakes(stream):
    """Its lock goes with its session, which PostgreSQL ends; what it wakes up to is another's."""
    publish_scores(50)
    stopped = consume(
        stopped_at="datalake.storage.buckets:DiskBucket.put",
        constants={"datalake.streams.culprits:LEASE_SECONDS": 0.5},
    )
    stopped.expect_stopped()
    while readable_ids() != ids(50):
        consume().result()
    stopped.wake()
    stopped.wait()
    assert readable_ids() == ids(50)
    assert list(Claim.objects.values_list("state", flat=True)) == ["done", "done"]
    assert LakeFile.objects.count() == 2


@pytest.mark.full
def test_t1_two_services_share_a_stream_that_is_split_and_end_when_they_are_told(stream):
    services = [command("consume", "lake", "--json") for _ in range(2)]

    def saved() -> int:
        for service in services:
            assert service.is_running, service.errors
        return sum(LakeFile.objects.values_list("records", flat=True))

    try:
        for turn in range(3):
            for number in range(5):
                first = 500 * turn + 100 * number
                publish_scores(100, first=first, key=str(first))
            wait_until(lambda turn=turn: saved() >= 500 * turn + 1, "records in the lake")
            if turn == 0:
                stream.merge(*stream.shards())
        wait_until(lambda: saved() == 1_500, "all records in the lake")
    finally:
        for service in services:
            service.terminate()
        ledgers = [service.result()["lake"] for service in services]
    assert sum(ledger["out"] for ledger in ledgers) == 1_500
    assert readable_ids() == ids(1_500)
