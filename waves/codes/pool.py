"""Codes: made, reserved for a wave's members, found again by the next attempt, released. [K-1, K-3,
K-5, W-9]

A reservation is the row of the code: it names wave and fan, under a unique constraint. It is
committed before the members are written, so an attempt that dies leaves reservations but no member,
and the next one finds the same codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.conf import settings
from django.db import transaction

from campaigns.choices import CodeSource
from campaigns.models import Market
from operations.database.copying import nullable_frame_of
from operations.database.retries import retried
from operations.database.statements import rows, run
from operations.plurals import plural
from waves.choices import CodeState
from waves.codes import partner_codes, partner_service
from waves.codes.minting import make
from waves.codes.partner_answers import PLACEHOLDER
from waves.errors import CodesExhausted
from waves.models import CODE_SERVICE, Wave
from waves.naming import code_validity

BATCH = 50_000
MOST_ROUNDS = 5

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
_RESERVE_IMPORTED = """
WITH free AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
        SELECT id FROM waves_code WHERE campaign_id = %(campaign)s AND state = 'available'
            AND source = 'partner' AND {}
        ORDER BY id LIMIT cardinality(%(fans)s::text[]) FOR UPDATE SKIP LOCKED) AS available
), fans AS (
    SELECT * FROM unnest(%(fans)s::text[]) WITH ORDINALITY AS f (fan, n)
)
UPDATE waves_code SET state = 'reserved', wave_id = %(wave)s, global_user_id = fans.fan,
    market_id = %(market)s, begins_at = %(begins)s, ends_at = %(ends)s, reserved_at = %(now)s
FROM free JOIN fans USING (n) WHERE waves_code.id = free.id
"""
# In this order: codes that are for every market are left to markets that have no others.
_IMPORTED_FOR = ("only_market_id = %(market)s", "only_market_id IS NULL")
# What an earlier attempt of this wave reserved is there for it.
_STOCK = """
SELECT only_market_id, count(*) FROM waves_code
WHERE campaign_id = %(campaign)s AND source = 'partner' AND (state = 'available'
    OR state = 'reserved' AND wave_id = %(wave)s)
GROUP BY only_market_id
"""
_RESERVATIONS = "SELECT global_user_id, code FROM waves_code WHERE wave_id = %(wave)s"
# A code of the code service is for the market that it was reserved for.
_HELD = """
SELECT global_user_id, code, source AS of,
    CASE WHEN origin = %(origin)s THEN market_id ELSE only_market_id END AS bound_to
FROM waves_code WHERE wave_id = %(wave)s
"""
_REDATE = """
UPDATE waves_code SET begins_at = %(begins)s, ends_at = %(ends)s
WHERE wave_id = %(wave)s AND state = 'reserved'
"""
# A code of the code service goes back to it: see partner_codes.py.
_RELEASE_ALL = """
UPDATE waves_code SET state = CASE WHEN origin = %(origin)s THEN 'released' ELSE 'available' END,
    wave_id = NULL, global_user_id = '', market_id = NULL, reserved_at = NULL, confirmed_at = NULL
WHERE wave_id = %(wave)s AND state = 'reserved'
"""
_RELEASE_THESE = f"{_RELEASE_ALL} AND code = ANY(%(codes)s)"


@dataclass(frozen=True)
class CodeNeed:
    """How many codes of which sources one market needs."""

    market: Market
    sources: list[str]
    wanted: int


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
    fence: Callable[[], object] = lambda: None,
) -> ReservedCodes:
    """A code for every member, as `reserve_what_there_is`. Raises CodesExhausted where all sources
    have not enough, CodeServiceError.
    """
    found = reserve_what_there_is(wave, members, now=now, fence=fence)
    _require_codes(wave, found.members)
    return found


def reserve_what_there_is(
    wave: Wave,
    members: pl.DataFrame,
    *,
    now: datetime,
    fence: Callable[[], object] = lambda: None,
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
        generated += _reserve_own(wave, own, now, fence)
        generated += _reserve_partners(wave, partners, now, fence)
        if own.height or partners.height:
            held = reservations(wave)
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


def _require_codes(wave: Wave, coded: pl.DataFrame) -> None:
    """Raises CodesExhausted, which names the first market that has too few."""
    lacking = coded.filter(pl.col("code").is_null())
    if lacking.is_empty():
        return
    key, sources = lacking.select("market", "code_source").row(0)
    wanted = coded.filter((pl.col("market") == key) & pl.col("held_code").is_null())
    found = wanted.filter(pl.col("code").is_not_null()).height
    market = wave.campaign.markets.get(pk=key)
    raise CodesExhausted(
        exhausted(
            wave.name, market.market_id, sources.split("|"), wanted=wanted.height, found=found
        )
    )


def require_codes(name: str, wave: Wave | None, needs: Sequence[CodeNeed]) -> None:
    """Refuse beforehand what can be known: markets that take imported codes alone, of which there
    are too few. `wave`: whose reservations count as well. Raises CodesExhausted. [K-4]
    """
    alone = [need for need in needs if need.sources == [CodeSource.PARTNER]]
    if not alone or settings.CODE_SERVICE_URL:
        return
    campaign = alone[0].market.campaign_id
    stock: dict[int | None, int] = dict(
        rows(_STOCK, campaign=campaign, wave=wave.pk if wave else None)
    )
    shared = stock.get(None, 0)
    for need in alone:
        own = stock.get(need.market.pk, 0)
        if need.wanted > own + shared:
            raise CodesExhausted(
                exhausted(
                    name,
                    need.market.market_id,
                    need.sources,
                    wanted=need.wanted,
                    found=own + shared,
                )
            )
        shared -= max(0, need.wanted - own)


def exhausted(name: str, market_id: str, sources: Sequence[str], *, wanted: int, found: int) -> str:
    """The message for a market whose sources have too few codes."""
    hints = {
        CodeSource.OWN: "Increase the code length.",
        CodeSource.PARTNER: "Import more partner codes, or ask the partner for more."
        if settings.CODE_SERVICE_URL
        else "Import more partner codes, or set CODE_SERVICE_URL.",
    }
    advice = " ".join(hint for source, hint in hints.items() if source in sources)
    return (
        f"Wave {name}, market {market_id}: {plural(wanted, 'code')}"
        f" {'is' if wanted == 1 else 'are'} needed, and {found:,} found. {advice}"
    )


def release_others(
    wave: Wave, members: pl.DataFrame, fence: Callable[[], object] = lambda: None
) -> int:
    """Free what an earlier attempt reserved for fans who are not among the members any more; how
    many. Before the members' codes are reserved: they may need these. [K-5]
    """
    held = reservations(wave)
    unused = held.join(members, on="global_user_id", how="anti")["code"].to_list()
    return _release_at_once(wave, unused, fence)


def release_codes(wave: Wave, codes: list[str]) -> int:
    """Free these of the codes that are reserved for the wave; how many. [K-5]"""
    return run(_RELEASE_THESE, wave=wave.pk, codes=codes, origin=CODE_SERVICE) if codes else 0


def release(wave: Wave) -> int:
    """Free every code that is reserved for the wave and not assigned yet. [K-5]"""
    return run(_RELEASE_ALL, wave=wave.pk, origin=CODE_SERVICE)


def redate(wave: Wave) -> int:
    """The codes reserved for the wave are valid from its present notify date on; how many. [K-2]"""
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    return run(_REDATE, wave=wave.pk, begins=begins, ends=ends)


def reservations(wave: Wave) -> pl.DataFrame:
    """`global_user_id` and `code` of those that have one reserved for the wave."""
    return nullable_frame_of(
        _RESERVATIONS, {"global_user_id": pl.String, "code": pl.String}, wave=wave.pk
    )


def usable(wave: Wave, wanting: pl.DataFrame, fence: Callable[[], object]) -> pl.DataFrame:
    """The reservations of an earlier attempt: `global_user_id`, `code`, with market and dates of
    this one. One that its fan cannot use any more is freed: the fan is selected for a market that
    takes other codes, or for another one than the code is for. [K-4]

    `wanting`: `global_user_id`, `market`, `sources` (a list).
    """
    schema = {
        "global_user_id": pl.String,
        "code": pl.String,
        "of": pl.String,
        "bound_to": pl.Int64,
    }
    held = nullable_frame_of(_HELD, schema, origin=CODE_SERVICE, wave=wave.pk)
    fits = pl.col("sources").list.contains(pl.col("of")) & (
        pl.col("bound_to").is_null() | (pl.col("bound_to") == pl.col("market"))
    )
    unfit = held.join(wanting, on="global_user_id").filter(~fits)["code"].to_list()
    _release_at_once(wave, unfit, fence)
    held = held.filter(~pl.col("code").is_in(unfit)).select("global_user_id", "code")
    _keep_reserved(wave, wanting.join(held, on="global_user_id", how="semi"), fence)
    return held


def _reserve_own(wave: Wave, own: pl.DataFrame, now: datetime, fence: Callable[[], object]) -> int:
    """How many were minted; who gets none after all the rounds is left over."""
    generated = 0
    for _ in range(MOST_ROUNDS):
        served = [_reserve_batch(wave, batch, now, fence) for batch in own.iter_slices(BATCH)]
        generated += sum(minted for _, minted in served)
        if sum(ready + minted for ready, minted in served) == own.height:
            break
        own = own.join(reservations(wave), on="global_user_id", how="anti", maintain_order="left")
    return generated


def _reserve_partners(
    wave: Wave, members: pl.DataFrame, now: datetime, fence: Callable[[], object]
) -> int:
    """Imported codes first, then the code service's; how many of those came."""
    service, generated = partner_service.chosen(), 0
    for market, fans, imported in reserve_imported(wave, members, now=now, fence=fence):
        if service is not None and imported < len(fans):
            generated += partner_codes.reserve(
                wave, market, fans[imported:], service=service, now=now, fence=fence
            )
    return generated


def reserve_imported(
    wave: Wave, members: pl.DataFrame, *, now: datetime, fence: Callable[[], object]
) -> Iterator[tuple[Market, list[str], int]]:
    """Imported codes for the first fans of each market: the market, its fans, and how many got one.
    `members`, the best first: `global_user_id`, `market` (its key).
    """
    markets = {market.pk: market for market in wave.campaign.markets.all()}
    for (key,), group in members.group_by("market", maintain_order=True):
        market, fans = markets[key], group["global_user_id"].to_list()
        yield market, fans, _reserve_imported(wave, market, fans, now, fence)


@retried
@transaction.atomic
def _reserve_imported(
    wave: Wave, market: Market, fans: list[str], now: datetime, fence: Callable[[], object]
) -> int:
    """For the first fans, codes of this market before those of every market; how many."""
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    fence()
    values = {"campaign": wave.campaign_id, "wave": wave.pk, "market": market.pk, "now": now}
    done = 0
    for which in _IMPORTED_FOR:
        statement = _RESERVE_IMPORTED.format(which)
        done += run(statement, fans=fans[done:], begins=begins, ends=ends, **values)
    return done


def _release_at_once(wave: Wave, codes: list[str], fence: Callable[[], object]) -> int:
    if not codes:
        return 0
    with transaction.atomic():
        fence()
        return release_codes(wave, codes)


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
) -> tuple[int, int]:
    """Reserve what lies ready, mint the rest, in one transaction; how many lay ready, and how many
    were minted. A collision is left over.
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
        missing = batch.slice(ready).select("global_user_id", pl.col("market").alias("market_id"))
        return ready, _make_reserved(wave, missing, begins, ends, now) if missing.height else 0


def _make_reserved(
    wave: Wave, fans: pl.DataFrame, begins: datetime, ends: datetime, now: datetime
) -> int:
    moments = {"begins_at": begins, "ends_at": ends, "created_at": now, "reserved_at": now}
    return make(
        wave.campaign,
        fans.with_columns(
            pl.lit(CodeState.RESERVED.value).alias("state"),
            pl.lit(wave.pk, dtype=pl.Int64).alias("wave_id"),
            pl.lit(wave.pk, dtype=pl.Int64).alias("made_for_id"),
            *(pl.lit(at.isoformat()).alias(name) for name, at in moments.items()),
        ),
    )
