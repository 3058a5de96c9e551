"""Writer, merger and archiver, really killed at calls that chance chooses: each record is in the
lake once, every original is kept, and nothing is there that the catalogue does not know. [L-2, L-3,
L-4, L-5, T-1]
"""

from __future__ import annotations

import os
import random
import signal
from datetime import timedelta

import pytest
from django.core.management import call_command

from datalake.models import LakeFile, Merge
from datalake.parity import check
from datalake.storage import buckets
from tests.datalake.lake_cases import DAY, ids, readable_ids
from tests.support.lake import NOON, lake_bytes, publish_scores, read_with_polars
from tests.support.processes import STATEMENT, Process

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
RECORDS, KILLS = (30_000, 20) if FULL else (3_000, 3)
DAYS = 3
# call → how often it may be made before the process dies at it
PLACES = {
    STATEMENT: 150,
    "datalake.streams.deduplication:mark": 1,
    "datalake.storage.buckets:DiskBucket.put": DAYS,
    "datalake.catalogue:enter_saved": 1,
    "datalake.avro.container:merge": DAYS,
    "datalake.catalogue:switch": DAYS,
    "datalake.storage.buckets:DiskBucket.copy": 2 * DAYS,
    "datalake.storage.buckets:DiskBucket.delete": 2 * DAYS,
}


def save_merge_and_archive() -> None:
    call_command("consume", "lake", "--once")
    call_command("merge_avro", "daily")


def test_each_record_is_in_the_lake_once_and_every_original_in_the_archive():
    """What a run saved and the next one saved again is one file; a merged file that never came to
    count is gone.
    """
    seed = int(os.environ.get("SEED") or random.randrange(100_000))
    print(f"SEED={seed}")  # noqa: T201
    chance, size = random.Random(seed), RECORDS // KILLS // DAYS
    published = 0
    for _ in range(KILLS):
        for day in range(DAYS):
            created = NOON + timedelta(days=day)
            publish_scores(size, first=published, key=f"after {published}", created=created)
            published += size
        call = chance.choice(list(PLACES))
        dying = Process(save_merge_and_archive, killed_at=call, nth=chance.randint(1, PLACES[call]))
        assert dying.wait() in {0, -signal.SIGKILL}, dying.errors
    last = Process(save_merge_and_archive)
    assert last.wait() == 0, last.errors
    days = [file.period for file in LakeFile.objects.filter(state="merged").order_by("period")]
    assert days == ["2026-01-20", "2026-01-21", "2026-01-22"]
    assert readable_ids(DAY.month_period) == ids(published)
    assert set(Merge.objects.values_list("state", flat=True)) == {"archived"}
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))
    originals = LakeFile.objects.filter(generation=0)
    assert {file.state for file in originals} == {"archived"}
    assert all(buckets.campaign_data().sha256(file.key) == file.sha256 for file in originals)
    kept = [row for file in originals for row in read_with_polars(file.key)["globalUserId"]]
    assert sorted(kept) == ids(published)
    assert check.check(read_files=True).ok
