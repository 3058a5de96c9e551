"""Who was erased, and when: asked wherever an id with a date comes in, so that nothing older brings
a fan back. What a fan does afterwards is new. [X-11]

An erased fan is known by a hash under a key of this site. The key is a random value in the
database, not the secret of the settings: secrets are replaced from time to time, and then everybody
who was erased would come back, because nobody could make the hashes again without the ids. It is
made with the first erasure and never replaced.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import polars as pl
from django.db.models import F
from django.db.models.functions import Now

from datalake.erased.tombstones import are_tombstones
from datalake.hashing import hmac_sha256_hex
from datalake.models import ErasedFan, ErasureKey

KEY_BYTES: Final = 32
_INSTANT: Final = pl.Datetime("us", "UTC")
_SCHEMA: Final[dict[str, Any]] = {"digest": pl.String, "erased_at": _INSTANT}


def mark(fan_id: str) -> ErasedFan:
    """From now on nothing of this fan that is older is taken in. Call it in the transaction that
    begins an erasure, before anything is erased.
    """
    ErasureKey.objects.bulk_create(
        [ErasureKey(id=1, key=secrets.token_bytes(KEY_BYTES))], ignore_conflicts=True
    )
    digest = digest_of(fan_id)
    ErasedFan.objects.bulk_create([ErasedFan(digest=digest, times=0)], ignore_conflicts=True)
    ErasedFan.objects.filter(digest=digest).update(erased_at=Now(), times=F("times") + 1)
    return ErasedFan.objects.get(digest=digest)


def digest_of(fan_id: str) -> str:
    """64 hex digits; empty where nobody was ever erased."""
    return str(_digests(pl.Series([fan_id]))[0] or "")


def erased_at(fans: pl.Series) -> pl.Series:
    """When each of the fans (ids, trimmed) was erased last; null where they never were. With nobody
    erased it costs one query for all of them. Datetime in UTC.
    """
    rows = list(ErasedFan.objects.values_list("digest", "erased_at"))
    if not rows:
        return pl.Series("erased_at", [None] * len(fans), _INSTANT)
    known = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    asked = pl.DataFrame({"digest": _digests(fans)}, schema={"digest": pl.String})
    return asked.join(known, on="digest", how="left", maintain_order="left")["erased_at"]


def erased_since(fans: pl.Series, dates: pl.Series) -> pl.Series:
    """Which of these are `erased`: dated (Datetime in UTC) at or before the erasure of their fan,
    or under the name of an erased fan. A row without a date is none of them. Ask it in the
    transaction that keeps the rows, under the campaign's lock: an erasure takes that lock after
    it is known here.
    """
    frame = pl.DataFrame(
        {"at": erased_at(fans), "dated": dates.cast(_INSTANT), "named": are_tombstones(fans)}
    )
    before = (pl.col("dated") <= pl.col("at")).fill_null(value=False)
    return frame.select((before | pl.col("named")).alias("erased"))["erased"]


def _digests(fans: pl.Series) -> pl.Series:
    key = ErasureKey.objects.values_list("key", flat=True).first()
    if key is None:
        return pl.Series([None] * len(fans), dtype=pl.String)
    return hmac_sha256_hex(bytes(key), fans)
