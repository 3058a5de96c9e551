"""Change events for the tests of the consumer, and what the archive holds of them."""

from __future__ import annotations

import json
from collections import Counter

from datalake.avro.container import read_records
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.models import Batch, ErrorFile, Snapshot


def change(number: int) -> bytes:
    """A fan's demand as DynamoDB writes it into a stream; every tenth is a deletion, the days are
    three.
    """
    day = f"2026-01-{20 + number % 3:02}"
    image = {
        "type": {"S": "demand"},
        "fanId": {"S": f"fan-{number}"},
        "eventId": {"S": "E1"},
        "saleId": {"S": "S1"},
        "email": {"S": f"fan{number}@mail.example"},
        "date": {"M": {"requested": {"S": f"{day}T12:00:00.000Z"}}},
    }
    name, side = ("REMOVE", "OldImage") if number % 10 == 9 else ("INSERT", "NewImage")
    changed = {"ApproximateCreationDateTime": 1_768_910_400_000 + number, side: image}
    return json.dumps({"eventName": name, "dynamodb": changed}).encode()


def changes(count: int, first: int = 0) -> list[bytes]:
    return [change(number) for number in range(first, first + count)]


def references(count: int, first: int = 0) -> list[str]:
    return sorted(f"E1_S1_fan-{number}" for number in range(first, first + count))


def archived() -> list[str]:
    """The reference of every record in every file that lies in the bucket."""
    found: list[str] = []
    for key in buckets.campaign_data().list("demand/data/"):
        with buckets.campaign_data().open(key) as file:
            found += [record["reference"]["id"] for record in read_records(file)]
    return sorted(found)


def check_exactly_once(count: int, *, errors: int = 0) -> None:
    """So many changes are archived, each once: in the bucket, in the catalogue, as a snapshot, and
    in the batches' ledger.
    """
    assert archived() == references(count)
    bucket = buckets.campaign_data()
    assert list(bucket.list("demand/data/")) == sorted(
        LakeFile.objects.values_list("key", flat=True)
    )
    assert list(bucket.list("demand/errors/")) == sorted(
        ErrorFile.objects.values_list("key", flat=True)
    )
    assert Counter(Snapshot.objects.values_list("reference_id", flat=True)) == Counter(
        references(count)
    )
    ledger = list(Batch.objects.values_list("state", "events", "archived", "errors"))
    assert {state for state, *_ in ledger} <= {"done"}
    assert [sum(column) for column in zip(*(counts for _, *counts in ledger), strict=True)] == [
        count + errors,
        count,
        errors,
    ]
