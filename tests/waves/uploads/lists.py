"""Lists of fans to be uploaded as waves, for the campaigns of `tests.support.waves`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from campaigns.models import Campaign
from tests.support.waves import KEY, NOTIFY, NOW, phone
from waves.models import Wave
from waves.uploads.config import read_config
from waves.uploads.submission import Submitted
from waves.uploads.upload import upload

COLUMNS = ("globalUserId", "memberId", "marketId", "email", "phone", "code")


def row(number: int, *, market: str = "west", **fields: str) -> dict[str, str]:
    """A row that is accepted as it is, of a fan of `campaign_with`."""
    return {
        "globalUserId": f"fan-{number:06d}",
        "memberId": f"m-{number}",
        "marketId": market,
        "email": f"fan{number}@example.com",
        "phone": phone(number),
        "code": "",
    } | fields


def rows_of(rows: Iterable[Mapping[str, str] | bytes], columns: Iterable[str] = COLUMNS) -> bytes:
    """A list; a row given as bytes is written unchanged."""
    names = list(columns)
    lines = [
        each if isinstance(each, bytes) else ",".join(each.get(n, "") for n in names).encode()
        for each in rows
    ]
    return b"".join(line + b"\n" for line in [",".join(names).encode(), *lines])


def config_of(campaign: Campaign, **values: Any) -> dict[str, Any]:
    """A config that is accepted as it is; None leaves a key out."""
    document = {
        "campaignId": campaign.campaign_id,
        "notifyDate": NOTIFY.isoformat(),
        "productId": "PROD-456",
        "source": "SFMC",
        "generateOfferCode": True,
    } | values
    return {key: held for key, held in document.items() if held is not None}


def submitted(
    campaign: Campaign,
    rows: Iterable[Mapping[str, str] | bytes],
    *,
    key: str = KEY,
    columns: Iterable[str] = COLUMNS,
    reason: str = "a test",
    expedite: str = "",
    **config: Any,
) -> Submitted:
    document = json.dumps(config_of(campaign, **config)).encode()
    file = io.BytesIO(rows_of(rows, columns))
    return Submitted(read_config(document), file, key, reason, expedite)


def uploaded(
    campaign: Campaign,
    rows: Iterable[Mapping[str, str] | bytes],
    *,
    by: User,
    now: datetime = NOW,
    **options: Any,
) -> Wave:
    """The wave of a list, taken in here and now."""
    return upload(submitted(campaign, rows, **options), by=by, now=now)
