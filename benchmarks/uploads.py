"""An uploaded wave whose rows get codes of a partner's code service, beside the code service alone:
the same calls at the same concurrency, whose answers are thrown away. [W-3, K-4]
"""

from __future__ import annotations

import io
import json
import time

import polars as pl
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

import sandbox
from benchmarks.figures import Figure
from benchmarks.selecting import NOTIFY, NOW, presale
from campaigns.models import Campaign
from waves.codes import partner_service
from waves.uploads.config import read_config
from waves.uploads.submission import Submitted
from waves.uploads.upload import as_result, upload

ROWS = 500_000
LATENCY_MS = 20
MOST_OF_ALONE = 1.2


def run(rows: int | None) -> list[Figure]:
    count = rows or ROWS
    campaign = presale(count)
    campaign.markets.update(capacity=count)
    Campaign.objects.filter(pk=campaign.pk).update(code_source="partner")
    with sandbox.running(latency_ms=LATENCY_MS) as service:
        settings.CODE_SERVICE_URL = service.url
        alone = _alone(count)
        by = User.objects.create(username="bench-uploads")
        started = time.monotonic()
        wave = upload(_list_of(campaign, count), by=by, now=NOW)
        seconds = time.monotonic() - started
    result = as_result(wave)
    note = (
        f"{result['accepted']:,} accepted, {result['codes']['generated']:,} codes;"
        f" {settings.CODE_SERVICE_CONCURRENCY} calls at once, {LATENCY_MS} ms each"
    )
    stage = "rows uploaded with generated partner codes"
    return [Figure(stage, count, seconds, "the code service alone", alone, MOST_OF_ALONE, note)]


def _alone(count: int) -> float:
    """Seconds of as many calls for other fans, whose codes nobody keeps."""
    pairs = [(f"nobody-{number:08d}", "m00") for number in range(count)]
    started = time.monotonic()
    found = sum(
        len(outcomes)
        for outcomes in partner_service.generate_many(
            pairs, wave=f"bench-{timezone.now():%s}", number=1
        )
    )
    assert found == count
    return time.monotonic() - started


def _list_of(campaign: Campaign, count: int) -> Submitted:
    config = {
        "campaignId": campaign.campaign_id,
        "notifyDate": NOTIFY.isoformat(),
        "productId": "P",
        "source": "bench",
        "generateOfferCode": True,
    }
    rows = pl.DataFrame({"globalUserId": [f"user-{number:08d}" for number in range(count)]})
    rows = rows.with_columns(
        pl.lit("m").alias("memberId"),
        pl.format("m0{}", pl.int_range(pl.len()) % 10).alias("marketId"),
        pl.format("{}@example.com", "globalUserId").alias("email"),
        pl.lit("").alias("phone"),
        pl.lit("").alias("code"),
    )
    file = io.BytesIO(rows.write_csv().encode())
    return Submitted(read_config(json.dumps(config).encode()), file, "20260121", "a benchmark")
