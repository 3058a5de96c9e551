"""Who was erased, and when: asked wherever an id with a date comes in, so that nothing older brings
a fan back. What a fan does afterwards is new. [X-11]

An erased fan is known by a hash under a key of this site. The key is a random value in the
database, not the secret of the settings: secrets are replaced from time to time, and then everybody
who was erased would come back, because nobody could make the hashes again without the ids. It is
made with the first erasure and never replaced.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
from django.db.models import F
from django.db.models.functions import Now

from datalake.erased.tombstones import are_tombstones
from datalake.hashing import hmac_sha256_hex
from datalake.models import ErasedFan, ErasureKey

KEY_BYTES: Final = 32
_INSTANT: Final = pl.Datetime("us", "UTC")
_SCHEMA: Final[dict[str, Any]] = {
    "digest": pl.String,
    "erased_at": _INSTANT,
    "times": pl.Int64,
}


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
    return keyed(fan_id) if ErasureKey.objects.exists() else ""


def keyed(text: str) -> str:
    """A hash of any text under the same key. Raises ErasureKey.DoesNotExist before any erasure."""
    key = bytes(ErasureKey.objects.get().key)
    return hmac.digest(key, text.encode(), "sha256").hex()


@dataclass(frozen=True)
class Erased:
    """Who was erased, read once: it can be asked in any thread."""

    key: bytes
    fans: pl.DataFrame

    def erased_at(self, fans: pl.Series) -> pl.Series:
        """When each of the fans (ids, trimmed) was erased last; null where they never were.
        Datetime in UTC.
        """
        if self.fans.is_empty():
            return pl.Series("erased_at", [None] * len(fans), _INSTANT)
        digests = hmac_sha256_hex(self.key, fans.cast(pl.String)).alias("digest").to_frame()
        return digests.join(self.fans, on="digest", how="left", maintain_order="left")["erased_at"]

    def among(self, fans: pl.Series) -> list[tuple[str, datetime, int]]:
        """Those of the fans who were erased: id, when last, and how often."""
        if self.fans.is_empty():
            return []
        digests = hmac_sha256_hex(self.key, fans.cast(pl.String))
        both = pl.DataFrame({"fan": fans, "digest": digests}).join(self.fans, on="digest")
        return both.select("fan", "erased_at", "times").rows()

    def are_before(self, fans: pl.Series, dates: pl.Series) -> pl.Series:
        """Which of these are dated (Datetime in UTC) at or before the erasure of their fan; a row
        without a date is not.
        """
        frame = pl.DataFrame({"at": self.erased_at(fans), "dated": dates.cast(_INSTANT)})
        before = (pl.col("dated") <= pl.col("at")).fill_null(value=False)
        return frame.select(before.alias("before"))["before"]

    def since(self, fans: pl.Series, dates: pl.Series) -> pl.Series:
        """Which of these are `erased`: from before the erasure of their fan, or under the name of
        an erased fan.
        """
        return (self.are_before(fans, dates) | are_tombstones(fans)).alias("erased")


NOBODY_ERASED: Final = Erased(b"", pl.DataFrame(schema=_SCHEMA))


def known(*, as_of: datetime | None = None) -> Erased:
    """Who was erased until now, or `as_of`. One query where nobody was."""
    found = ErasedFan.objects.filter(**({"erased_at__lte": as_of} if as_of else {}))
    rows = list(found.values_list("digest", "erased_at", "times"))
    fans = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return Erased(bytes(ErasureKey.objects.get().key) if rows else b"", fans)


def erased_at(fans: pl.Series) -> pl.Series:
    """`Erased.erased_at` of those who are known now."""
    return known().erased_at(fans)


def erased_since(fans: pl.Series, dates: pl.Series) -> pl.Series:
    """`Erased.since` of those who are known now. Ask it in the transaction that keeps the rows,
    under the campaign's lock: an erasure takes that lock after it is known here.
    """
    return known().since(fans, dates)
