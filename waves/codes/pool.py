"""A code for each member of a wave, of the first source of their market that has one.
[K-1, K-3, K-4, K-5, W-9]

Reservations are committed before the members are written, so an attempt that dies leaves
reservations but no member, and the next one finds the same codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from campaigns.choices import CodeSource
from waves.codes import imported_codes, own_codes, partner_codes, partner_service
from waves.codes.needs import require_all_coded
from waves.codes.partner_answers import PLACEHOLDER
from waves.codes.reservations import Fence, held_by, usable
from waves.models import Wave


@dataclass(frozen=True)
class ReservedCodes:
    """`members` with a column `code`; `reserved` = held now, of which `generated` are new; `tm` =
    placeholders.
    """

    members: pl.DataFrame
    reserved: int
    generated: int
    tm: int

    def counts(self) -> dict[str, int]:
        return {"reserved": self.reserved, "generated": self.generated, "tm": self.tm}


def reserve(
    wave: Wave,
    members: pl.DataFrame,
    *,
    now: datetime,
    fence: Fence = lambda: None,
) -> ReservedCodes:
    """A code for every member, as `reserve_what_there_is`. Raises CodesExhausted where all sources
    have not enough, CodeServiceError.
    """
    found = reserve_what_there_is(wave, members, now=now, fence=fence)
    require_all_coded(wave, found.members)
    return found


def reserve_what_there_is(
    wave: Wave,
    members: pl.DataFrame,
    *,
    now: datetime,
    fence: Fence = lambda: None,
) -> ReservedCodes:
    """A code for each member, null where all sources have not enough, committed at once; a member
    who has one already keeps it, where it is of their market's sources. [K-1, K-3, K-4, K-5, W-9]

    `fence` is called in each transaction before anything is written, and raises where it must not
    be written any more. [O-6]

    `members`, the best first: `global_user_id`, `market` (the market's key), `code_source` (one or
    several, in their order), `held_code` (of who comes back with one, else null [W-6]). The next
    source is asked where the one before has no more. Raises CodeServiceError.
    """
    comes_back = pl.col("held_code").is_not_null()
    wanting = members.filter(~comes_back).select(
        "global_user_id", "market", pl.col("code_source").str.split("|").alias("sources")
    )
    held = usable(wave, wanting, fence)
    generated = 0
    for nth in range(len(CodeSource)):
        missing = wanting.join(
            held, on="global_user_id", how="anti", maintain_order="left"
        ).with_columns(pl.col("sources").list.get(nth, null_on_oob=True).alias("source"))
        own = missing.filter(pl.col("source") == CodeSource.OWN)
        partners = missing.filter(pl.col("source") == CodeSource.PARTNER)
        generated += own_codes.reserve(wave, own, now, fence)
        generated += _reserve_partners(wave, partners, now, fence)
        if own.height or partners.height:
            held = held_by(wave)
    coded = members.join(held, on="global_user_id", how="left", maintain_order="left")
    has_tm = pl.col("code_source").str.split("|").list.contains(str(CodeSource.TM))
    coded = coded.with_columns(
        pl.coalesce("held_code", "code", pl.when(has_tm).then(pl.lit(PLACEHOLDER))).alias("code")
    )
    tm = coded.filter(pl.col("code") == PLACEHOLDER).height
    reserved = wanting.height - tm - coded["code"].null_count()
    return ReservedCodes(coded, reserved=reserved, generated=generated, tm=tm)


def no_codes(members: pl.DataFrame) -> ReservedCodes:
    """For the members of a wave that gives nobody a code. [X-8]"""
    return ReservedCodes(members.with_columns(code=pl.lit("")), reserved=0, generated=0, tm=0)


def _reserve_partners(wave: Wave, members: pl.DataFrame, now: datetime, fence: Fence) -> int:
    """Imported codes first, then the code service's; how many of those came."""
    service, generated = partner_service.chosen(), 0
    for market, fans, imported in imported_codes.reserve(wave, members, now=now, fence=fence):
        if service is not None and imported < len(fans):
            generated += partner_codes.reserve(
                wave, market, fans[imported:], service=service, now=now, fence=fence
            )
    return generated
