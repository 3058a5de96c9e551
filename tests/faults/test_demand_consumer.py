"""Consumers of a stream as real processes, killed, cut off and told to end: each event is archived
exactly once. [D-1, D-5]
"""

from __future__ import annotations

import os
import random
import signal

import pytest
from django.db import connection

from datalake.storage import buckets
from demand.models import Batch, Shard
from tests.support import kinesis
from tests.support.demand_streams import changes, check_exactly_once
from tests.support.processes import STATEMENT, Process, command
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
EVENTS, KILLS = (30_000, 20) if FULL else (3_000, 3)
STEPS = [  # of the work, each before it is done
    "datalake.aws.kinesis:KinesisStream.read",
    "demand.sources.shards:take",
    "demand.sources.recovery:archived",
    "demand.archiving.archive:write",
    "demand.archiving.archive:deliver",
    "demand.sources.kinesis_stream:Consumed.add",
]


@pytest.fixture
def stream(settings, monkeypatch, bucket_folders):
    """The stream, at which a worker has looked: what comes now is to be archived."""
    with kinesis.running(settings, monkeypatch) as found:
        assert start("--once").result()["in"] == 0
        yield found


def start(*options: str, **deadly: str | int) -> Process:
    return command(
        *("consume_demand", "--stream", kinesis.STREAM, "--batch-size", "100", "--json"),
        *options,
        **deadly,
    )


def all_work(processes: list[Process]) -> bool:
    """Whether none has ended; that is an error of its own."""
    for process in processes:
        assert process.is_running, process.errors
    return True


def done() -> int:
    return sum(Batch.objects.filter(state="done").values_list("events", flat=True))


def test_d5_a_consumer_that_is_killed_again_and_again_archives_every_event_exactly_once(stream):
    """Three kills over 3,000 events; 20 over 30,000 in the full run. A hundredth of the events are
    bad. Each batch of 100 takes more than five statements, so no run ends before it is killed.
    """
    bad = EVENTS // 100
    stream.put(
        [*changes(EVENTS // 2), *[b"no json"] * bad, *changes(EVENTS - EVENTS // 2, EVENTS // 2)]
    )
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "5"))
    for _ in range(KILLS):
        statement = dice.randrange(5, EVENTS // 20 // (KILLS + 1))
        process = start("--once", killed_at=STATEMENT, nth=statement)
        assert process.wait() == -signal.SIGKILL
    start("--once").result()
    check_exactly_once(EVENTS, errors=bad)


def test_d5_a_consumer_that_is_killed_before_each_step_leaves_nothing_twice_and_nothing_out(stream):
    for number, step in enumerate(STEPS):
        stream.put(changes(150, 150 * number))
        assert start("--once", killed_at=step).wait() == -signal.SIGKILL, step
    start("--once").result()
    check_exactly_once(150 * len(STEPS))


def test_d1_two_services_share_a_stream_that_is_resharded_and_end_when_they_are_told(stream):
    services = [start(), start()]
    try:
        stream.put(changes(700))
        wait_until(lambda: all_work(services) and done() >= 300, "events done")
        stream.split(stream.shards()[0])
        stream.put(changes(700, 700))
        wait_until(lambda: all_work(services) and done() >= 900, "events done")
        stream.merge(*stream.shards()[1:])
        stream.put(changes(700, 1_400), low=True)
        wait_until(lambda: all_work(services) and done() == 2_100, "events done")
    finally:
        for service in services:
            service.terminate()
        results = [service.result() for service in services]
    assert sum(result["in"] for result in results) == 2_100
    files = [file for result in results for file in result["files"]]
    assert sorted(files) == list(buckets.campaign_data().list("demand/data/"))
    assert sorted(Shard.objects.values_list("ended", flat=True)) == [False, True, True, True]
    check_exactly_once(2_100)


def test_d5_a_bucket_that_takes_nothing_for_a_while_is_waited_for(stream, bucket_folders):
    """A file lies where the archive's folder should be: whoever works on it, no folder can be
    made.
    """
    hindrance = bucket_folders / "campaign-data" / "demand"
    hindrance.parent.mkdir(exist_ok=True)
    hindrance.write_bytes(b"")
    stream.put(changes(250))
    process = start("--once")
    tried_again = Batch.objects.filter(attempt__gt=1)
    wait_until(lambda: all_work([process]) and tried_again.exists(), "a second try")
    assert done() == 0
    hindrance.unlink()
    assert process.result()["archived"] == 250
    check_exactly_once(250)


def test_d5_a_database_that_cuts_its_workers_off_is_asked_again(stream):
    service = start()
    cut_off = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    for first in (0, 500, 1_000):
        stream.put(changes(500, first))
        wait_until(lambda first=first: all_work([service]) and done() > first, "a batch done")
        with connection.cursor() as cursor:
            cursor.execute(cut_off)
            assert cursor.fetchall()
    wait_until(lambda: all_work([service]) and done() == 1_500, "all batches done")
    service.terminate()
    service.result()
    check_exactly_once(1_500)
