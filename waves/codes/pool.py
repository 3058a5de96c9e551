"""Codes: made, reserved for a wave's members, found again by the next attempt, released. [K-1, K-3,
K-5, W-9]

A reservation is the row of the code: it names wave and fan, under a unique constraint. It is
committed before the members are written, so an attempt that dies leaves reservations but no member,
and the next one finds the same codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from django.db import transaction

from campaigns.choices import CodeSource
from operations.database.copying import nullable_frame_of
from operations.database.statements import run
from waves.choices import CodeState
from waves.errors import CodesExhausted, UnknownCode, UnsupportedCodeSource
from waves.models import Code, Wave
from waves.naming import code_validity

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
PLACEHOLDER = "TM"
BATCH = 25_000
MOST_ROUNDS = 5

# The largest multiple of the alphabet's size below 256: larger bytes are thrown away, so that every
# sign is as likely.
_FAIR_BYTES = 256 - 256 % len(ALPHABET)
_SIGNS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)

_RESERVE_AVAILABLE = """
WITH free AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
        SELECT id FROM waves_code WHERE campaign_id = %(campaign)s AND state = 'available'
            AND source = 'own' AND only_market_id IS NULL
        ORDER BY id LIMIT %(count)s FOR UPDATE SKIP LOCKED) AS available
), fans AS (
    SELECT * FROM unnest(%(fans)s::text[], %(markets)s::bigint[]) WITH ORDINALITY
        AS f (fan, market, n)
)
UPDATE waves_code SET state = 'reserved', wave_id = %(wave)s, global_user_id = fans.fan, market_id =
    fans.market,
    begins_at = %(begins)s, ends_at = %(ends)s, reserved_at = %(now)s
FROM free JOIN fans USING (n) WHERE waves_code.id = free.id
"""
# A fan whose code an earlier attempt reserved may be selected for another market, or the wave for
# another date. [K-5]
_KEEP_RESERVED = """
UPDATE waves_code SET market_id = fans.market, begins_at = %(begins)s, ends_at = %(ends)s
FROM unnest(%(fans)s::text[], %(markets)s::bigint[]) AS fans (fan, market)
WHERE wave_id = %(wave)s AND global_user_id = fans.fan AND state = 'reserved'
"""
_INSERT_MINTED = """
INSERT INTO waves_code (campaign_id, code, source, state, wave_id, global_user_id, market_id,
    begins_at, ends_at,
    created_at, reserved_at)
SELECT %(campaign)s, code, 'own', 'reserved', %(wave)s, fan, market, %(begins)s, %(ends)s, %(now)s,
    %(now)s
FROM unnest(%(codes)s::text[], %(fans)s::text[], %(markets)s::bigint[])
    AS minted (code, fan, market)
ON CONFLICT DO NOTHING
"""
_REDATE = """
UPDATE waves_code SET begins_at = %(begins)s, ends_at = %(ends)s
WHERE wave_id = %(wave)s AND state = 'reserved'
"""
_RELEASE_UNUSED = """
UPDATE waves_code SET state = 'available', wave_id = NULL, global_user_id = '', market_id = NULL,
    reserved_at = NULL
WHERE wave_id = %(wave)s AND state = 'reserved' AND code = ANY(%(codes)s)
"""
_RELEASE_ALL = """
UPDATE waves_code SET state = 'available', wave_id = NULL, global_user_id = '', market_id = NULL,
    reserved_at = NULL
WHERE wave_id = %(wave)s AND state = 'reserved'
"""


@dataclass(frozen=True)
class ReservedCodes:
    """`members` with a column `code`; `unused` = codes of fans who are not among them any more;
    `reserved` = held now, of which `generated` are new; `tm` = placeholders.
    """

    members: pl.DataFrame
    unused: list[str]
    reserved: int
    generated: int
    tm: int

    def counts(self) -> dict[str, int]:
        return {"reserved": self.reserved, "generated": self.generated, "tm": self.tm}


def mint(count: int, *, prefix: str, length: int) -> list[str]:
    """`count` different codes: the prefix and `length` signs, from the system's cryptographic
    generator. [K-1]
    """
    minted: dict[str, None] = {}  # in the order of minting, whatever the hashes are
    while len(minted) < count:
        signs = np.empty(0, dtype=np.uint8)
        wanted = (count - len(minted)) * length
        while len(signs) < wanted:
            noise = np.frombuffer(secrets.token_bytes(wanted + wanted // 8 + 64), dtype=np.uint8)
            signs = np.concatenate([signs, noise[noise < _FAIR_BYTES]])
        text = _SIGNS[signs[:wanted] % len(ALPHABET)].tobytes().decode()
        minted |= dict.fromkeys(
            prefix + text[start : start + length] for start in range(0, wanted, length)
        )
    return list(minted)


def reserve(
    wave: Wave,
    members: pl.DataFrame,
    *,
    now: datetime,
    fence: Callable[[], object] = lambda: None,
) -> ReservedCodes:
    """A code for every member, committed at once; a member who has one already keeps it. [K-1, K-3,
    K-5, W-9]

    `fence` is called in each transaction before anything is written, and raises where it must not
    be written any more. [O-6]

    `members`: `global_user_id`, `market` (the market's key), `code_source`, `held_code` (of who
    comes back with one, else null [W-6]). Raises
    UnsupportedCodeSource for partner's codes, CodesExhausted where prefix and length leave too few.
    """
    require_source(wave.name, members["code_source"])
    comes_back = pl.col("held_code").is_not_null()
    is_own = (pl.col("code_source") == CodeSource.OWN) & ~comes_back
    own = members.filter(is_own).select("global_user_id", "market")
    held, generated = _reservations(wave), 0
    _keep_reserved(wave, own.join(held, on="global_user_id", how="semi"), fence)
    for _ in range(MOST_ROUNDS):
        missing = own.join(held, on="global_user_id", how="anti")
        if missing.is_empty():
            break
        for batch in missing.iter_slices(BATCH):
            generated += _reserve_batch(wave, batch, now, fence)
        held = _reservations(wave)
    else:
        raise CodesExhausted(
            f"Wave {wave.name}: there are not enough different codes with"
            f" {wave.campaign.code_length} characters. Increase the code length."
        )
    coded = members.join(held, on="global_user_id", how="left", maintain_order="left")
    coded = coded.with_columns(
        pl.when(is_own)
        .then("code")
        .otherwise(pl.coalesce("held_code", pl.lit(PLACEHOLDER)))
        .alias("code")
    )
    unused = held.join(own, on="global_user_id", how="anti")["code"].to_list()
    tm = members.filter(~is_own & ~comes_back).height
    return ReservedCodes(coded, unused, reserved=own.height, generated=generated, tm=tm)


def no_codes(members: pl.DataFrame) -> ReservedCodes:
    """For the members of a wave that gives nobody a code. [X-8]"""
    return ReservedCodes(members.with_columns(code=pl.lit("")), [], reserved=0, generated=0, tm=0)


def require_source(name: str, sources: Iterable[str]) -> None:
    """Raises UnsupportedCodeSource where codes of one of these sources cannot be reserved for the
    wave of this name. [K-4]
    """
    if CodeSource.PARTNER in sources:
        raise UnsupportedCodeSource(
            f"Wave {name}: codes from a partner's code service cannot be reserved. Use own or tm."
        )


def release_unused(wave: Wave, reserved: ReservedCodes) -> int:
    """Free the reservations of fans who are not members any more. [K-5]

    They were found by `reserve`: PostgreSQL has no statistics of members written a moment ago, and
    took 28 s for 27,900 of them.
    """
    return release_codes(wave, reserved.unused)


def release_codes(wave: Wave, codes: list[str]) -> int:
    """Free these of the codes that are reserved for the wave; how many. [K-5]"""
    return run(_RELEASE_UNUSED, wave=wave.pk, codes=codes) if codes else 0


def release(wave: Wave) -> int:
    """Free every code that is reserved for the wave and not assigned yet. [K-5]"""
    return run(_RELEASE_ALL, wave=wave.pk)


def redate(wave: Wave) -> int:
    """The codes reserved for the wave are valid from its present notify date on; how many. [K-2]"""
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    return run(_REDATE, wave=wave.pk, begins=begins, ends=ends)


def find(code: str) -> Code:
    """The code whatever its case, with campaign, wave and market. Raises UnknownCode. [K-1]"""
    related = ("campaign", "wave", "market", "assignment")
    found = Code.objects.select_related(*related).filter(code__iexact=code.strip()).first()
    if found is None:
        raise UnknownCode("No such code in any campaign. TM is a placeholder and not a code.")
    return found


def custody(code: Code) -> dict[str, object]:
    """A code's life so far, step by step. [X-10]"""
    times = {
        "created": code.created_at,
        CodeState.RESERVED: code.reserved_at,
        CodeState.ASSIGNED: code.assigned_at,
        CodeState.PUBLISHED: code.published_at,
    }
    return {
        "code": code.code,
        "campaign_id": code.campaign.campaign_id,
        "source": code.source,
        "state": code.state,
        "wave": code.wave.name if code.wave else None,
        "market_id": code.market.market_id if code.market else None,
        "global_user_id": code.global_user_id or None,
        "begins_at": code.begins_at,
        "ends_at": code.ends_at,
        "custody": [{"step": str(step), "at": at} for step, at in times.items() if at],
    }


def _reservations(wave: Wave) -> pl.DataFrame:
    query = "SELECT global_user_id, code FROM waves_code WHERE wave_id = %(wave)s"
    return nullable_frame_of(query, {"global_user_id": pl.String, "code": pl.String}, wave=wave.pk)


def _keep_reserved(wave: Wave, kept: pl.DataFrame, fence: Callable[[], object]) -> None:
    """What an earlier attempt reserved says the market and the dates of this one. [K-5, X-10]"""
    if kept.is_empty():
        return
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    fans, markets = kept["global_user_id"].to_list(), kept["market"].to_list()
    with transaction.atomic():
        fence()
        run(_KEEP_RESERVED, wave=wave.pk, fans=fans, markets=markets, begins=begins, ends=ends)


def _reserve_batch(
    wave: Wave, batch: pl.DataFrame, now: datetime, fence: Callable[[], object]
) -> int:
    """Reserve what lies ready, mint the rest, in one transaction; how many were minted. A collision
    is left over.
    """
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    fans, markets = batch["global_user_id"].to_list(), batch["market"].to_list()
    common = {
        "campaign": wave.campaign_id,
        "wave": wave.pk,
        "begins": begins,
        "ends": ends,
        "now": now,
    }
    with transaction.atomic():
        fence()
        ready = run(_RESERVE_AVAILABLE, count=len(fans), fans=fans, markets=markets, **common)
        codes = mint(
            len(fans) - ready, prefix=wave.campaign.code_prefix, length=wave.campaign.code_length
        )
        return run(
            _INSERT_MINTED, codes=codes, fans=fans[ready:], markets=markets[ready:], **common
        )
