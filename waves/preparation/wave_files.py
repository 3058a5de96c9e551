"""The files of a prepared wave: lists per channel and market in one zip, the status JSON, and the
config in `smsWaves/`. [W-3, W-8]
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from operations import instants

COLUMNS = {
    "globalUserId": "global_user_id",
    "memberId": "member_id",
    "marketId": "market_id",
    "email": "email",
    "phone": "phone",
    "code": "code",
}
NO_MARKET = ""  # of members who were not selected; their files are named for that
NOT_SELECTED = "not_selected"  # no market's id can be this
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can name: the same bytes whenever it is made
_READABLE = 0o644 << 16
_UNIX = 3
_FAST = 3  # measured: half the time of the default level for 4 % more bytes


def wave_zip(members: pl.DataFrame, market_ids: Sequence[str]) -> tuple[bytes, dict[str, int]]:
    """The zip's bytes, and how many lines each of its three folders holds: the same members and
    codes, the same bytes.

    `members`, in the order of the draw: `global_user_id, member_id, market_id, email, phone, code`
    (String, empty = none).
    """
    columns = members.select(
        pl.col(name).replace("", None).alias(title) for title, name in COLUMNS.items()
    )
    folders = {
        "email": columns.drop_nulls("email"),
        "masterCodes": columns,
        "sms": columns.drop_nulls("phone"),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for folder, lines in folders.items():
            by_market = lines.partition_by("marketId", as_dict=True)
            for market_id in sorted(market_ids):
                of_market = by_market.get((market_id or None,), lines.clear())
                name = f"{folder}/{market_id or NOT_SELECTED}.csv"
                _write(archive, name, of_market.write_csv())
    return buffer.getvalue(), {folder: lines.height for folder, lines in folders.items()}


def status_json(
    *,
    status: str,
    attempts: int,
    started: datetime,
    finished: datetime | None = None,
    path: str = "",
    count: Mapping[str, int] | None = None,
    error: tuple[str, str] | None = None,
) -> str:
    """The status of an attempt: TRIGGERED, FINISHED or FAILED; `error` = message, developer's
    message. [W-8]
    """
    date = {"started": instants.stamp(started)} | (
        {"finished": instants.stamp(finished)} if finished else {}
    )
    document: dict[str, Any] = {"date": date, "status": status, "attempts": attempts}
    if path:
        document["path"] = path
    if count is not None:
        document["count"] = dict(count)
    if error:
        document["error"] = {"message": error[0], "developer_message": error[1]}
    return json.dumps(document, indent=2)


@dataclass(frozen=True)
class SmsWaveKeys:
    """Where other services find a wave: its name, with its place for each step. [W-3]"""

    wave: str

    @property
    def generating(self) -> str:
        return f"smsWaves/configs/generateCode_{self.wave}.json"

    @property
    def normalized(self) -> str:
        return f"smsWaves/configs/{self.wave}.normalized.json"

    @property
    def members(self) -> str:
        return f"smsWaves/csv/{self.wave}.csv"

    @property
    def rejected(self) -> str:
        return f"smsWaves/csv/{self.wave}.rejected.csv"

    def at(self, place: str) -> str:
        """Of the config at `scheduled`, `triggered` or `completed`."""
        return f"smsWaves/{place}/{self.wave}_csv.json"


def config_json(
    *,
    campaign_id: str,
    category_id: str,
    notify_date: datetime,
    validity: tuple[datetime, datetime],
    product_id: str,
    source: str,
    generate_offer_code: bool,
    options: Mapping[str, Any],
    generating: bool = False,
) -> bytes:
    """A wave's config as other services read it; `generating`: while its codes are made. The same
    wave, the same bytes. [W-3]
    """
    begin, end = validity
    document: dict[str, Any] = {"campaignId": campaign_id}
    if category_id:
        document["categoryId"] = category_id
    document |= {
        "notifyDate": instants.stamp(notify_date),
        "beginDate": instants.stamp(begin),
        "endDate": instants.stamp(end),
        "productId": product_id,
        "source": source,
        "generateOfferCode": generate_offer_code,
    }
    if options:
        document["options"] = dict(options)
    if generating:
        document["genCodes"] = True
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _write(archive: zipfile.ZipFile, name: str, text: str) -> None:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.external_attr, info.create_system = _READABLE, _UNIX
    archive.writestr(info, text, compress_type=zipfile.ZIP_DEFLATED, compresslevel=_FAST)
