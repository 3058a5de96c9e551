"""One presale from supplied seed and salt, at an hour that stands still, comes to what was
recorded: the same proof bundle, byte by byte, and the same lake, record by record. [S-8, S-10, W-8,
L-2]

PostgreSQL may not join by hashes here, as it otherwise would: nothing may depend on the order in
which rows come.

A change of the code that changes no rule leaves `recorded_outcome.json` as it is. Where a rule or a
pinned package changes the outcome, run this file with FAIRWAVE_RECORD=1, look at the difference,
and commit it with the reason.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import fastavro
import polars as pl
import pytest
from django.core.management import call_command
from django.db import connection

import sandbox
from campaigns.scoring import reception
from datalake.storage import buckets
from operations.database.statements import run
from sandbox import fans
from tests.pipeline.test_same_twice import empty_database
from tests.pipeline.test_whole_presale_twice import COUNT, NOW, stop_clocks, whole_presale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
RECORDED = Path(__file__).with_name("recorded_outcome.json")
# The status file names the folder of the bucket, which is another in each run.
STATUS = "wavePrep/12345/status/20260201.json"


@pytest.fixture
def standing_still(settings, monkeypatch, all_packaged_domains):
    """A provider, a clock that stands still, and chance that is the same each time."""
    number = itertools.count()

    def chance(count: int) -> bytes:
        return hashlib.shake_256(str(next(number)).encode()).digest(count)

    stop_clocks(monkeypatch)
    monkeypatch.setattr(reception, "database_time", lambda: NOW)
    # Names of files that are being written take nothing from it: one file more changes no code.
    monkeypatch.setattr(secrets, "token_hex", lambda size: os.urandom(size).hex())
    monkeypatch.setattr(secrets, "token_bytes", chance)
    with sandbox.running(latency_ms=1) as providers:
        settings.SMS_URL, settings.SMS_PER_SECOND = providers.url, 100_000
        yield


@pytest.fixture
def unusual_plans() -> Iterator[None]:
    database = connection.settings_dict["NAME"]
    settings = ("enable_hashjoin", "enable_hashagg")
    for name in settings:
        run(f'ALTER DATABASE "{database}" SET {name} = off')
    connection.close()  # the next one begins with them
    yield
    for name in settings:
        run(f'ALTER DATABASE "{database}" RESET {name}')
    connection.close()


def test_a_presale_with_supplied_seed_and_salt_comes_to_what_was_recorded(
    tmp_path, standing_still, unusual_plans, capsys
):
    fans.write_registrations(tmp_path / "registrations.csv", COUNT)
    fans.write_scores(tmp_path / "scores.txt", COUNT)
    empty_database()
    assert whole_presale(tmp_path)["state"] == "completed"
    call_command("consume", once=True)
    loose = records_of_the_lake()
    call_command("merge_avro", "daily", date="2026-02-01T00:00:00Z")
    call_command("merge_avro", "monthly", type="registration", date="2026-01-01T00:00:00Z")
    found = {
        "scoring bucket": {
            key: sha256(in_certain_order(key, read(buckets.scoring(), key)))
            for key in buckets.scoring().list("")
            if key != STATUS
        },
        "lake, as it was saved": loose,
        "lake, merged": records_of_the_lake(),
    }
    if os.environ.get("FAIRWAVE_RECORD"):
        RECORDED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    assert found == json.loads(RECORDED.read_text())


def records_of_the_lake() -> dict[str, list[object]]:
    """For each type and folder of the lake: how many records, and a digest of all of them in any
    order. Names of files are left out, since some are made by chance.
    """
    folders: dict[str, list[str]] = {}
    for key in buckets.campaign_data().list("avro/"):
        records = fastavro.reader(io.BytesIO(read(buckets.campaign_data(), key)))
        lines = [json.dumps(record, sort_keys=True, default=str) for record in records]
        folders.setdefault(key.rpartition("/")[0], []).extend(lines)
    return {
        folder: [len(lines), sha256("\n".join(sorted(lines)).encode())]
        for folder, lines in folders.items()
    }


def in_certain_order(key: str, content: bytes) -> bytes:
    """The record of candidates has no order; it is sorted by who reads it."""
    if not key.endswith(".parquet"):
        return content
    return pl.read_parquet(io.BytesIO(content)).sort("global_user_id").write_csv().encode()


def read(bucket: buckets.Bucket, key: str) -> bytes:
    with bucket.open(key) as file:
        return file.read()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
