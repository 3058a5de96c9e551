"""The archiving of a file of change events, really killed between every two steps: each event once,
same files. [D-5, O-6]
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Sum

from datalake.avro import container
from datalake.models import LakeFile, LakePartition
from datalake.storage import buckets
from demand.archiving import archive
from demand.archiving.batches import Decided, decide
from demand.models import Batch, CurrentRecord, Delivery, ErrorFile, EventUpload, Snapshot
from demand.sources import uploads
from operations.models import Job
from sandbox import changes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).parent.parent.parent
FULL = os.environ.get("FAIRWAVE_FULL") == "1"
EVENTS, KILLS = (30_000, 20) if FULL else (6_000, 3)
STEPS = {
    "taken in": {"call": "demand.sources.uploads:receive"},
    "being counted": {"call": "demand.sources.uploads:count_lines", "nth": 2},
    "before the claims": {"call": "demand.archiving.archive:claim_all", "before": True},
    "claimed": {"call": "demand.archiving.archive:claim_all"},
    "attempts counted": {"call": "demand.archiving.archive:begin"},
    "some files written": {"call": "datalake.storage.buckets:DiskBucket.put", "nth": 4},
    "before they are delivered": {
        "call": "demand.archiving.archive:deliver",
        "before": True,
        "nth": 2,
    },
    "in the catalogue": {"call": "demand.archiving.archive:_enter_files"},
    "states entered": {"call": "demand.archiving.current:enter_states", "nth": 2},
    "days added": {"call": "datalake.catalogue:add_to_days", "nth": 2},
    "some delivered": {"call": "demand.archiving.archive:deliver", "nth": 2},
    "all delivered": {"call": "demand.sources.uploads:_finish", "before": True},
    "finished": {"call": "demand.sources.uploads:_finish"},
    "its bytes gone": {"call": "datalake.storage.buckets:DiskBucket.delete"},
}


def start(bucket_folders: Path, path: Path, **deadly: object) -> subprocess.Popen[str]:
    asked = {
        "database": connection.settings_dict["NAME"],
        "buckets": str(bucket_folders),
        "batches": 3,
        **deadly,
    }
    command = [
        sys.executable,
        "-m",
        "tests.support.die_at",
        json.dumps(asked),
        "archive_demand",
        str(path),
        "--json",
    ]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def whole(path: Path) -> list[Decided]:
    """What should become of the file, batch by batch, decided here and now."""
    upload, raws = EventUpload.objects.get(), path.read_bytes().splitlines()
    made = []
    for first in range(0, len(raws), 1_000):
        some = raws[first : first + 1_000]
        numbers = range(first + 1, first + 1 + len(some))
        position = (uploads.source_of(upload), str(numbers[0]), str(numbers[-1]))
        made.append(decide(*position, some, now=upload.created_at, sequences=numbers))
    return made


def check_end(path: Path, result: dict) -> None:
    """Bucket, catalogue, snapshots, states and ledger are what an undisturbed run makes of the
    file.
    """
    made, bucket = whole(path), buckets.campaign_data()
    wanted = {
        file.key: hashlib.sha256(file.content).hexdigest()
        for each in made
        for file in (*each.files, *each.error_files)
    }
    assert {key: bucket.sha256(key) for key in bucket.list("demand/")} == wanted
    known = (
        LakeFile.objects.values_list("key", flat=True),
        ErrorFile.objects.values_list("key", flat=True),
    )
    assert sorted(key for keys in known for key in keys) == sorted(wanted)
    assert Delivery.objects.count() == LakeFile.objects.count()
    archived, errors = sum(each.archived for each in made), sum(each.errors for each in made)
    assert Batch.objects.aggregate(Sum("archived"), Sum("errors")) == {
        "archived__sum": archived,
        "errors__sum": errors,
    }
    assert (result["in"], result["archived"], sum(result["errors"].values())) == (
        archived + errors,
        archived,
        errors,
    )
    assert LakePartition.objects.aggregate(Sum("records"))["records__sum"] == archived
    files = dict(LakeFile.objects.values_list("pk", "key"))
    assert Counter(Snapshot.objects.values_list("file_id", flat=True)) == Counter(
        _records_by_file(files)
    )
    states = archive.newest(each.states for each in made)
    assert sorted(CurrentRecord.objects.values_list("reference_id", "record_type")) == sorted(
        states
    )
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}
    assert not list(buckets.scoring().list("demand/"))
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def _records_by_file(files: dict[int, str]) -> dict[int, int]:
    counts = {}
    for number, key in files.items():
        with buckets.campaign_data().open(key) as file:
            counts[number] = sum(1 for _ in container.read_records(file))
    return counts


@pytest.mark.parametrize("step", STEPS)
def test_d5_killed_at_any_step_the_next_run_ends_as_if_nothing_had_been(bucket_folders, step):
    path = bucket_folders / "changes.jsonl"
    changes.write(path, 6_000, bad=0.01, carried=0.2)
    process = start(bucket_folders, path, **STEPS[step])
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    check_end(path, finish(start(bucket_folders, path)))


def test_d5_killed_at_random_moments_each_event_is_archived_once(bucket_folders):
    """Three kills over 6,000 events; 20 over 30,000 in the full run."""
    path = bucket_folders / "changes.jsonl"
    changes.write(path, EVENTS, bad=0.01)
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "5"))
    killed = 0
    for _ in range(KILLS):
        process = start(bucket_folders, path)
        _wait_for_work(process)
        # a small part of the whole work: it must not be done too early
        time.sleep(dice.uniform(0, 0.03 if FULL else 0.05))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    check_end(path, finish(start(bucket_folders, path)))
    assert killed == KILLS


def _wait_for_work(process: subprocess.Popen[str]) -> None:
    """Until this process has the job, or has ended."""
    before = Job.objects.values_list("attempt", flat=True).first() or 0
    while (
        process.poll() is None
        and (Job.objects.values_list("attempt", flat=True).first() or 0) == before
    ):
        time.sleep(0.005)
