"""Consumers of a stream as real processes, killed, cut off and told to end: each event is archived
exactly once. [D-1, D-5]
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from datalake.storage import buckets
from demand.models import Batch, Shard
from tests.support import kinesis
from tests.support.demand_streams import changes, check_exactly_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).parent.parent.parent
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
        assert finish(start(bucket_folders, "--once"))["in"] == 0
        yield found


def start(bucket_folders: Path, *options: str, die_at: str = "") -> subprocess.Popen[str]:
    asked = {
        "database": connection.settings_dict["NAME"],
        "buckets": str(bucket_folders),
        "die_at": die_at,
    }
    command = [sys.executable, "-m", "tests.faults.consume_in_process", json.dumps(asked)]
    command += [
        "consume_demand",
        "--stream",
        kinesis.STREAM,
        "--batch-size",
        "100",
        "--json",
        *options,
    ]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def eventually(happens: Callable[[], object], *processes: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not happens():
        assert all(process.poll() is None for process in processes), "it ended too early"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def done() -> int:
    return sum(Batch.objects.filter(state="done").values_list("events", flat=True))


def test_d5_a_consumer_that_is_killed_again_and_again_archives_every_event_exactly_once(
    stream, bucket_folders
):
    """Three kills over 3,000 events; 20 over 30,000 in the full run. A hundredth of the events are
    bad.
    """
    bad = EVENTS // 100
    stream.put(
        [*changes(EVENTS // 2), *[b"no json"] * bad, *changes(EVENTS - EVENTS // 2, EVENTS // 2)]
    )
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "5"))
    for point in sorted(dice.randrange(EVENTS * 9 // 10) for _ in range(KILLS)):
        process = start(bucket_folders, "--once")
        eventually(lambda point=point: done() > point, process)
        time.sleep(dice.uniform(0, 0.1))
        process.kill()
        process.communicate()
    finish(start(bucket_folders, "--once"))
    check_exactly_once(EVENTS, errors=bad)


def test_d5_a_consumer_that_is_killed_before_each_step_leaves_nothing_twice_and_nothing_out(
    stream, bucket_folders
):
    for number, step in enumerate(STEPS):
        stream.put(changes(150, 150 * number))
        process = start(bucket_folders, "--once", die_at=step)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, step
    finish(start(bucket_folders, "--once"))
    check_exactly_once(150 * len(STEPS))


def test_d1_two_services_share_a_stream_that_is_resharded_and_end_when_they_are_told(
    stream, bucket_folders
):
    services = [start(bucket_folders), start(bucket_folders)]
    try:
        stream.put(changes(700))
        eventually(lambda: done() >= 300, *services)
        stream.split(stream.shards()[0])
        stream.put(changes(700, 700))
        eventually(lambda: done() >= 900, *services)
        stream.merge(*stream.shards()[1:])
        stream.put(changes(700, 1_400), low=True)
        eventually(lambda: done() == 2_100, *services)
    finally:
        for service in services:
            service.send_signal(signal.SIGTERM)
        results = [finish(service) for service in services]
    assert sum(result["in"] for result in results) == 2_100
    files = [file for result in results for file in result["files"]]
    assert sorted(files) == list(buckets.campaign_data().list("demand/data/"))
    assert sorted(Shard.objects.values_list("ended", flat=True)) == [False, True, True, True]
    check_exactly_once(2_100)


def test_d5_a_bucket_that_takes_nothing_for_a_while_is_waited_for(stream, bucket_folders):
    """A file lies where the archive's folder should be: whoever works on it, no folder can be made."""
    hindrance = bucket_folders / "campaign-data" / "demand"
    hindrance.parent.mkdir(exist_ok=True)
    hindrance.write_bytes(b"")
    stream.put(changes(250))
    process = start(bucket_folders, "--once")
    eventually(lambda: Batch.objects.filter(attempt__gt=1).exists(), process)
    assert done() == 0
    hindrance.unlink()
    assert finish(process)["archived"] == 250
    check_exactly_once(250)


def test_d5_a_database_that_cuts_its_workers_off_is_asked_again(stream, bucket_folders):
    stream.put(changes(1_500))
    process = start(bucket_folders, "--once")
    cut_off = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    for batches in (1, 5, 9):
        eventually(lambda batches=batches: done() >= batches * 100, process)
        with connection.cursor() as cursor:
            cursor.execute(cut_off)
            assert cursor.fetchall()
    finish(process)
    check_exactly_once(1_500)
