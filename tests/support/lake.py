"""Records for the tests of the lake."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import polars as pl

from datalake import records, streams
from datalake.choices import RecordType, StreamName
from datalake.storage import buckets
from operations import instants

NOON = datetime(2026, 1, 20, 12, 0, tzinfo=UTC)
SHA = "ab" * 32


def scoring_frame(
    rows: int, *, first: int = 0, created: datetime = NOON, sha: str = SHA
) -> pl.DataFrame:
    numbers = list(range(first, first + rows))
    flat = pl.DataFrame(
        {
            "created": [instants.stamp(created)] * rows,
            "campaignId": ["12345"] * rows,
            "globalUserId": [f"fan-{n}" for n in numbers],
            "memberId": [None if n % 3 else f"m{n}" for n in numbers],
            "email": [f"fan{n}@example.com" for n in numbers],
            "tags": [["unconfirmed_phone"] if n % 4 == 0 else [] for n in numbers],
            "score": [0.25 + (n % 1000) / 2000 for n in numbers],
            "band_score": [0.3 + (n % 997) / 2000 for n in numbers],
        },
        schema_overrides={"memberId": pl.String, "tags": pl.List(pl.String)},
    )
    return records.shape(RecordType.SCORING, flat, score_file_sha256=sha)


def registration(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "type": "registration",
        "date": {"created": "2026-01-20T10:30:00.000Z"},
        "campaignId": "12345",
        "globalUserId": f"fan-{number}",
        "memberId": None,
        "marketId": "us-west",
        "email": f"fan{number}@example.com",
        "phone": "+12065551234",
        "tags": ["unconfirmed_phone"],
    } | changes


def publish_registrations(*numbers: int, key: str, **changes: Any) -> streams.Published:
    data = [streams.Record(f"fan-{n}", registration(n, **changes)) for n in numbers]
    return streams.publish(StreamName.INPUT, data, key=key)


def publish_scores(
    rows: int, *, first: int = 0, key: str = "scorefile:1", created: datetime = NOON
) -> streams.Published:
    frame = scoring_frame(rows, first=first, created=created)
    return streams.publish_frame(StreamName.SCORED, RecordType.SCORING, frame, key=key)


def lake_bytes() -> dict[str, bytes]:
    """Key → bytes of everything in the lake's bucket."""
    bucket = buckets.campaign_data()
    found = {}
    for key in bucket.list("avro/"):
        with bucket.open(key) as source:
            found[key] = source.read()
    return found


def read_with_polars(key: str) -> pl.DataFrame:
    with buckets.campaign_data().open(key) as source:
        return pl.read_avro(io.BytesIO(source.read()))
