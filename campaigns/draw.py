"""The draw: bands, fan references, and each fan's band score from seed, entropy and fan alone.
[S-7, S-8, S-9]

Nothing here draws anything: seed and salt are arguments. A fan's result depends on nothing but the
campaign's draw and the fan, so frames may be cut into chunks of any size and order, and no second
upload can fish for a better result.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from datalake.erased.tombstones import reference_in, references_in
from datalake.hashing import hmac_sha256_hex, sha256_hex

SCHEME = 2  # which rules draw and prove; public
SECRET_BYTES = 32
LUCK_DIGITS = 16  # hex: 64 bits
LUCK_OFFSET = np.uint64(1 << 63)
SEPARATOR = "\x1f"
DOUBLES_AT_ONCE = 1_000_000
Ranks = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Band:
    """Raw scores from `low` up draw band scores from `low` to `high`, at most the double `highest`.
    [S-7, S-8]
    """

    name: str
    low: float
    high: float
    highest: float


HIGH = Band("high", 0.95, 1.0, 1.0)
MID = Band("mid", 0.80, 0.95, float(np.nextafter(0.95, 0.80)))
LOW = Band("low", 0.22, 0.80, float(np.nextafter(0.80, 0.22)))
BANDS = (HIGH, MID, LOW)


@dataclass(frozen=True)
class Draw:
    """What fixes every fan's luck in one campaign; `entropy` is None or empty where no public
    source was named. [S-8]

    Raises ValueError unless seed and salt are 32 bytes each.
    """

    campaign_id: str
    seed: bytes
    salt: bytes
    entropy: str | None = None

    def __post_init__(self) -> None:
        for name, secret in (("seed", self.seed), ("salt", self.salt)):
            if len(secret) != SECRET_BYTES:
                raise ValueError(
                    f"The {name} of a draw is {SECRET_BYTES} bytes, not {len(secret)}."
                )

    def __repr__(self) -> str:
        return f"Draw(campaign_id={self.campaign_id!r}, commitment={self.commitment!r})"

    @property
    def commitment(self) -> str:
        """Published when the campaign opens: hex SHA-256 of the seed. [S-8]"""
        return hashlib.sha256(self.seed).hexdigest()

    @property
    def salt_commitment(self) -> str:
        """Published when the campaign opens: hex SHA-256 of the salt, shown to nobody. [S-8]"""
        return hashlib.sha256(self.salt).hexdigest()

    @cached_property
    def key(self) -> bytes:
        return key_of(self.seed, self.entropy)

    def fan_nonce(self, global_user_id: str) -> bytes:
        """32 bytes for this fan alone: with them they can check that the reference is bound to
        their id. [S-8]
        """
        return hmac.digest(self.salt, global_user_id.encode(), "sha256")

    def fan_ref(self, global_user_id: str) -> str:
        """The fan's public name in this draw: hex SHA-256 of nonce and id joined; cannot be traced
        back without the nonce. [S-8]
        """
        own = hashlib.sha256(self.fan_nonce(global_user_id) + global_user_id.encode())
        return reference_in(global_user_id) or own.hexdigest()

    def full_h(self, global_user_id: str) -> bytes:
        """All 32 bytes of h of one fan. [S-8, S-9]"""
        return h_of(self.key, self.campaign_id, self.fan_ref(global_user_id))


def key_of(seed: bytes, entropy: str | None) -> bytes:
    """HMAC-SHA256 of the entropy's trimmed text under the seed: unknown to us until the entropy is.
    [S-8]
    """
    return hmac.digest(seed, (entropy or "").strip().encode(), "sha256")


def h_of(key: bytes, campaign_id: str, fan_ref: str) -> bytes:
    """All 32 bytes of h of one reference. [S-8]"""
    return hmac.digest(key, f"{campaign_id}{SEPARATOR}{fan_ref}".encode(), "sha256")


def fan_refs(salt: bytes, ids: pl.Series) -> pl.Series:
    """Each id's `fan_ref` (64 hex digits), in the order given; of an erased fan, the one that their
    name holds. [S-8, X-11]
    """
    nonces = hmac_sha256_hex(salt, ids)
    own = sha256_hex(pl.select(nonces.str.decode("hex") + ids.cast(pl.Binary)).to_series())
    return pl.select(pl.coalesce(references_in(ids), own).alias("fan_ref")).to_series()


def band_of(raw: pl.Series) -> pl.Series:
    """Raw scores → "high" | "mid" | "low", null below 0.22. [S-7]"""
    band = (
        pl.when(raw >= HIGH.low).then(pl.lit(HIGH.name)).when(raw >= MID.low).then(pl.lit(MID.name))
    )
    return pl.select(band.when(raw >= LOW.low).then(pl.lit(LOW.name)).alias("band")).to_series()


def draw_frame(fans: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """Adds each fan's result to a frame with `global_user_id` (String) and `raw_score` (Float64).
    [S-7, S-8]

    Adds `fan_ref` (String) unless it is there, `band` ("high" | "mid" | "low", null below 0.22),
    `band_score` (Float64, null where `band` is) and `luck` (Int64: the first 64 bits of h,
    big-endian, minus 2^63, so that a signed column keeps their order).
    """
    if "fan_ref" not in fans.columns:
        fans = fans.with_columns(fan_refs(draw.salt, fans["global_user_id"]))
    lucks = _lucks(draw, fans["fan_ref"])
    raw = fans["raw_score"]
    return fans.with_columns(
        band_of(raw),
        pl.Series(
            "band_score", _band_scores(raw.to_numpy(), lucks), nan_to_null=True, dtype=pl.Float64
        ),
        pl.Series("luck", (lucks ^ LUCK_OFFSET).view(np.int64)),
    )


def in_order(frame: pl.DataFrame, draw: Draw | None = None) -> pl.DataFrame:
    """The rows of `ranking`, best first. [S-9]"""
    return frame[ranking(frame, draw)]


def ranking(frame: pl.DataFrame, draw: Draw | None = None) -> Ranks:
    """The numbers of the rows, best first: band score descending, then h descending, then
    `fan_ref`. [S-9]

    Reads columns `band_score`, `luck`, `global_user_id`. `luck` holds 64 of h's 256 bits: of 37
    million draws of a million fans each, one is expected to hold two fans who share them. The
    `draw` gives all bits of such fans; without it they stand in order of their ids.
    """
    # Hardly two fans share a band score, and one key sorts five times as fast as three.
    if not frame["band_score"].null_count():
        scores = frame["band_score"].to_numpy()
        ranked: Ranks = np.argsort(scores)[::-1].astype(np.uint32)
        if not _has_doubles(scores, ranked):
            return ranked
    tied = _tied_in_luck(frame)
    if draw is None or not tied.any():
        return _ranked(frame.select("band_score", "luck", "global_user_id"), descending=2)
    ids = frame["global_user_id"].to_list()
    keys = [
        (draw.full_h(fan).hex(), draw.fan_ref(fan)) if is_tied else ("", "")
        for fan, is_tied in zip(ids, tied, strict=True)
    ]
    keyed = frame.select(
        "band_score",
        "luck",
        pl.Series("_h", [h for h, _ in keys]),
        pl.Series("_ref", [ref for _, ref in keys]),
        "global_user_id",
    )
    return _ranked(keyed, descending=3)


def _ranked(keys: pl.DataFrame, *, descending: int) -> Ranks:
    """By all columns of `keys` in turn, the first few of them descending."""
    down = [number < descending for number in range(keys.width)]
    by = pl.arg_sort_by(keys.columns, descending=down, nulls_last=True)
    return keys.select(by.alias("row")).to_series().to_numpy()


def _has_doubles(scores: npt.NDArray[np.float64], ranked: Ranks) -> bool:
    """Whether two rows next to each other have one score; never a copy of all of them."""
    for start in range(0, len(ranked) - 1, DOUBLES_AT_ONCE):
        ordered = scores[ranked[start : start + DOUBLES_AT_ONCE + 1]]
        if (ordered[1:] == ordered[:-1]).any():
            return True
    return False


def _tied_in_luck(frame: pl.DataFrame) -> pl.Series:
    """Whether another row has the same band score and luck."""
    return frame.select(pl.struct("band_score", "luck").is_duplicated().alias("tied"))["tied"]


def _lucks(draw: Draw, refs: pl.Series) -> npt.NDArray[np.uint64]:
    digests = hmac_sha256_hex(draw.key, refs, prefix=(draw.campaign_id + SEPARATOR).encode())
    lucks: npt.NDArray[np.uint64] = (
        digests.str.slice(0, LUCK_DIGITS).str.to_integer(base=16, dtype=pl.UInt64).to_numpy()
    )
    return lucks


def _band_scores(
    raw: npt.NDArray[np.float64], lucks: npt.NDArray[np.uint64]
) -> npt.NDArray[np.float64]:
    """NaN below the lowest band."""
    u = (lucks >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    scores = np.full(len(raw), np.nan)
    for band in reversed(BANDS):
        drawn = np.minimum(band.low + u * (band.high - band.low), band.highest)
        scores = np.where(raw >= band.low, drawn, scores)
    return scores
