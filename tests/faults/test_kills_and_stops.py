"""Workers that are killed, or stopped past their lease and woken while the next one is at work, at
points and in an order that a seed chooses: the end is that of an undisturbed run. [O-6, S-12, W-9,
L-3]
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from campaigns.scoring import score_files
from datalake import archive
from datalake.merging import scheduled
from datalake.models import LakeFile, Merge
from datalake.storage import buckets
from datalake.storage.buckets import Bucket
from operations import tasks
from operations.choices import JobState
from operations.models import Job
from tests.datalake.lake_cases import save_loose
from tests.faults.test_taken_over import wait_for_lease_to_end, worker
from tests.support.campaigns import make_campaign, receive_scores
from tests.support.lake import NOON, lake_bytes, read_with_polars
from tests.support.processes import Process
from tests.support.score_files import everything_of, messy, start_over
from tests.support.waiting import wait_until
from tests.support.waves import NOW, campaign_with, person
from tests.support.waves import request as asked_for
from waves.models import Code, Member, Wave, WaveMarket
from waves.preparation import status_files
from waves.preparation.submission import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
SEED = os.environ.get("FAIRWAVE_SEED", "12")
KILLS, STOPS = 14, 10  # of each work in the full run; else one of each in all
MOST_CALLS = 3  # a point is hit at one of its first calls


@dataclass
class Scores:
    """A score file is processed."""

    points = (
        "campaigns.scoring.score_files:_begin",
        "campaigns.scoring.judging:_write",
        "campaigns.scoring.local_cache:LocalCache.put",
        "campaigns.scoring.publishing:judged_rows",
        "campaigns.scoring.publishing:_send",
        "campaigns.scoring.publishing:_write_files",
        "campaigns.scoring.tables:index",
        "campaigns.scoring.tables:attach",
        "campaigns.scoring.streaming:mark_saved",
        "operations.leases:finish",
    )

    def __post_init__(self) -> None:
        self.campaign = make_campaign()

    def begin(self) -> Job:
        self.file = receive_scores(self.campaign, messy())
        return score_files.open_job(self.file, by=None)

    def end(self) -> Any:
        made = everything_of(self.file)
        start_over(self.campaign)
        return made


@dataclass
class Preparation:
    """A wave is prepared, with codes that lie ready."""

    points = (
        "waves.preparation.prepare:select_and_seal",
        "waves.preparation.attempts:_count",
        "waves.preparation.status_files:put",
        "waves.codes.own_codes:_reserve_batch",
        "waves.preparation.prepare:wave_zip",
        "waves.preparation.prepare:write_candidates",
        "waves.preparation.prepare:_apply",
        "waves.preparation.prepared:write_wave_markets",
        "waves.preparation.status_files:put_right",
        "operations.leases:finish",
    )

    def __post_init__(self) -> None:
        self.campaign, self.ann = campaign_with(60, {"west": 12, "east": 8}), person("ann")

    def begin(self) -> Job:
        Code.objects.bulk_create(
            Code(campaign=self.campaign, code=f"READY{number}") for number in range(40)
        )
        return submit(asked_for(self.campaign), by=self.ann, now=NOW)

    def end(self) -> Any:
        wait_until(_files_are_right, "the sweep of each minute")
        wave, bucket = Wave.objects.get(), buckets.scoring()
        assert wave.attempts <= 2
        assert bucket.exists(wave.zip_key)
        assert bucket.exists(wave.candidates_key)
        keys = list(bucket.list("wavePrep/"))
        made = {
            "wave": (wave.state, wave.selected, wave.content_digest, wave.status_stored),
            "members": list(Member.objects.order_by("place").values_list("global_user_id", "code")),
            "codes": sorted(Code.objects.values_list("code", "state", "global_user_id")),
            "files": {
                re.sub(r"\.\d+-\d+\.", ".", key): _said(bucket, key)
                for key in keys
                if "/status/" not in key
            },
            "number of files": len(keys),
        }
        for key in keys:
            bucket.delete(key)
        for model in (Member, WaveMarket, Code):
            model.objects.all()._raw_delete("default")
        Wave.objects.all().delete()  # with what a later step kept about it
        Job.objects.all()._raw_delete("default")
        return made


def _said(bucket: Bucket, key: str) -> object:
    """What a file says whenever it is made: its record of candidates has no order, and its sealed
    record holds when the wave was prepared.
    """
    with bucket.open(key) as file:
        content = file.read()
    if key.endswith(".parquet"):
        return pl.read_parquet(io.BytesIO(content)).sort("global_user_id").rows()
    if key.endswith(".facts"):
        with zipfile.ZipFile(io.BytesIO(content)) as record:
            facts = json.loads(record.read("facts.json"))
            return facts | {"prepared_us": None}, record.read("fans.tsv")
    return content


def _files_are_right() -> bool:
    status_files.sweep()
    return not Wave.objects.filter(status_stored=False).exists()


@dataclass
class Merging:
    """The past days of the lake are merged: one more each time."""

    points = (
        "datalake.merging.merge:_begin",
        "datalake.merging.contents:check_sources",
        "datalake.avro.container:merge",
        "datalake.merging.contents:check_result",
        "datalake.catalogue:switch",
        "datalake.merging.merge:ask_for_archive",
        "operations.leases:finish",
    )

    def __post_init__(self) -> None:
        self.day, self.saved = NOON - timedelta(days=300), 0

    def begin(self) -> Job:
        self.day += timedelta(days=1)
        self.saved = save_loose(30, 20, 10, created=self.day, first=self.saved)
        return scheduled.open_job(monthly=False, by=None)

    def end(self) -> Any:
        for job in archive.waiting_jobs():
            tasks.run_job(job.pk)
        assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))
        merged = LakeFile.objects.filter(state="merged").values_list("key", flat=True)
        found = Counter(fan for key in merged for fan in read_with_polars(key)["globalUserId"])
        assert found == Counter(f"fan-{number}" for number in range(self.saved))
        newest = Merge.objects.latest("pk")
        return newest.state, newest.files, newest.records_out, newest.sources.count()


WORKS = (Scores, Preparation, Merging)


def disturbances() -> list[tuple[type, str]]:
    """A kind of work, and what happens to its worker."""
    if FULL:
        return [(work, how) for work in WORKS for how in ["kill"] * KILLS + ["stop"] * STOPS]
    return list(zip(random.Random(SEED).sample(WORKS, 2), ("kill", "stop"), strict=True))


@pytest.mark.parametrize(("work", "how"), disturbances())
def test_after_a_disturbed_worker_the_next_ends_as_if_nothing_had_happened(
    work, how, request, settings
):
    settings.JOB_LEASE_SECONDS = 1
    dice, works = random.Random(f"{SEED} {request.node.name}"), work()

    def anywhere(call: str) -> dict[str, Any]:
        chosen = {call: dice.choice(works.points), "nth": dice.randint(1, MOST_CALLS)}
        print(f"Seed {SEED}: {chosen}")  # noqa: T201 to be run again with it
        return chosen

    tasks.run_job(works.begin().pk)
    undisturbed = works.end()
    job = works.begin()
    if how == "kill":
        worker(job, **anywhere("killed_at")).wait()
        finish(job)
    else:
        hang_and_wake(job, anywhere)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    assert works.end() == undisturbed


def finish(job: Job, **options: Any) -> Process | None:
    """Another worker takes the job up, unless it is done: the first did not come to its point."""
    job.refresh_from_db()
    if job.state == JobState.DONE:
        return None
    wait_for_lease_to_end(job)
    next_one = worker(job, **options)
    if not options:
        assert next_one.wait() == 0, next_one.errors
    return next_one


def hang_and_wake(job: Job, anywhere: Callable[[str], dict[str, Any]]) -> None:
    """One worker hangs past its lease; the next one is stopped too, so that the first wakes in the
    midst of its work.
    """
    first = worker(job, **anywhere("stopped_at"))
    is_hanging = first.is_stopped()
    second = finish(job, **anywhere("stopped_at"))
    is_stopped = second is not None and second.is_stopped()
    if is_hanging:
        first.wake()
    assert first.wait() == 0, first.errors
    if second is not None:
        if is_stopped:
            second.wake()
        assert second.wait() == 0, second.errors
