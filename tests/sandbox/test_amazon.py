"""The demo with Amazon's services on: the whole presale, from an empty database, on moto's
server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import boto3
import pytest
import requests

from datalake.choices import StreamName
from sandbox import amazon
from sandbox.steps import StepFailed
from tests.support import cloud

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.full
@pytest.mark.processes
def test_a_presale_on_amazons_services_ends_with_a_verified_proof(tmp_path):
    told = subprocess.run(
        [sys.executable, "-m", "sandbox.presale", "--aws", "--fans", "100", "--json"],
        env=os.environ | {"FAIRWAVE_DATA": str(tmp_path), "DATABASE_URL": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    result = json.loads(told.stdout.splitlines()[-1])
    assert result["proof"]["verified"]
    assert [wave["state"] for wave in result["waves"]] == ["completed"] * 3
    assert result["sent"]["ok"] == result["selected"] > 0
    assert result["lake"]["files_merged"] > result["lake"]["merged_into"] > 0
    selected = result["selected"]
    assert result["verdicts"] == {
        "saved": selected,
        "fans_with_events": selected,
        "on_sqs": True,
        "messages_waiting": 0,
        "events_to_write": 0,
    }
    kept = result["where"]
    assert all(kept[name].startswith("s3://") for name in ("scrubbed file", "lake"))


def test_every_engine_of_amazon_is_on_and_what_it_names_is_there(monkeypatch):
    for name, value in amazon.ACCOUNT.items():
        monkeypatch.setenv(name, value)
    requests.post(f"{cloud.address()}/moto-api/reset", timeout=30)
    given = amazon.set_up(cloud.address())
    assert (given["STREAM_ENGINE"], given["TASK_BROKER"]) == ("kinesis", "sqs")
    client = partial(boto3.client, endpoint_url=cloud.address())
    buckets = {each["Name"] for each in client("s3").list_buckets()["Buckets"]}
    assert {
        given[f"{name}_BUCKET"].split("/")[2] for name in ("SCORING", "CAMPAIGN_DATA")
    } == buckets
    queues = set(client("sqs").list_queues()["QueueUrls"])
    assert {given[f"{name}_QUEUE"] for name in ("EMAIL", "VERDICT", "ARCHIVE")} < queues
    assert client("dynamodb").list_tables()["TableNames"] == [given["DEMAND_TABLE"]]
    assert [each["Name"] for each in client("glue").get_databases()["DatabaseList"]] == [
        given["GLUE_DATABASE"]
    ]
    streams = client("kinesis").list_streams()["StreamNames"]
    assert sorted(streams) == sorted(f"fairwave-{name}" for name in StreamName.values)


def test_a_database_of_ones_own_is_not_emptied_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann@db.example/presale")
    with pytest.raises(StepFailed, match="unset DATABASE_URL"):
        amazon.fresh_folder(tmp_path)
