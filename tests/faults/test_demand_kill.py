"""The archiving of a file of change events, really killed between every two steps: each event once,
same files. [D-5, O-6]
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
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
from tests.support.processes import STATEMENT, Process, command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
EVENTS, KILLS = (30_000, 20) if FULL else (6_000, 3)
STEPS = {
    "taken in": {"killed_at": "demand.sources.uploads:receive", "after": True},
    "being counted": {"killed_at": "demand.sources.uploads:count_lines", "after": True},
    "before the claims": {"killed_at": "demand.archiving.archive:claim_all"},
    "claimed": {"killed_at": "demand.archiving.archive:claim_all", "after": True},
    "attempts counted": {"killed_at": "demand.archiving.archive:begin", "after": True},
    "some files written": {
        "killed_at": "datalake.storage.buckets:DiskBucket.put",
        "nth": 4,
        "after": True,
    },
    "before they are delivered": {"killed_at": "demand.archiving.archive:deliver", "nth": 2},
    "in the catalogue": {"killed_at": "demand.archiving.archive:_enter_files", "after": True},
    "states entered": {
        "killed_at": "demand.archiving.current:enter_states",
        "nth": 2,
        "after": True,
    },
    "days added": {"killed_at": "datalake.catalogue:add_to_days", "nth": 2, "after": True},
    "some delivered": {"killed_at": "demand.archiving.archive:deliver", "nth": 2, "after": True},
    "all delivered": {"killed_at": "demand.sources.uploads:_finish"},
    "finished": {"killed_at": "demand.sources.uploads:_finish", "after": True},
    "its bytes gone": {
        "killed_at": "datalake.storage.buckets:DiskBucket.delete",
        "after": True,
    },
}


def start(path: Path, **deadly: str | int) -> Process:
    """A file of few events is many transactions: three batches at once."""
    three_batches = {"demand.sources.file_pipeline:BATCHES_AT_ONCE": 3}
    return command("archive_demand", path, "--json", constants=three_batches, **deadly)


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
    changes.write(path, 3_100, bad=0.01, carried=0.2)
    assert start(path, **STEPS[step]).wait() == -signal.SIGKILL
    check_end(path, start(path).result())


def test_d5_killed_before_random_statements_each_event_is_archived_once(bucket_folders):
    """Three kills over 6,000 events; 20 over 30,000 in the full run. Each thousand events takes
    more than a dozen statements, so no run ends before it is killed.
    """
    path = bucket_folders / "changes.jsonl"
    changes.write(path, EVENTS, bad=0.01)
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "5"))
    for _ in range(KILLS):
        statement = dice.randrange(1, EVENTS * 12 // 1_000 // KILLS)
        assert start(path, killed_at=STATEMENT, nth=statement).wait() == -signal.SIGKILL
    check_end(path, start(path).result())
