"""The codes that are reserved for a wave: found again, dated anew, released. [K-2, K-5, W-9]

A reservation is the row of the code: it names wave and fan, under a unique constraint.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from django.db import transaction

from operations.database.copying import nullable_frame_of
from operations.database.statements import run
from waves.models import CODE_SERVICE, Wave
from waves.naming import code_validity

Fence = Callable[[], object]

_RESERVATIONS = "SELECT global_user_id, code FROM waves_code WHERE wave_id = %(wave)s"
# A code of the code service is for the market that it was reserved for.
_HELD = """
SELECT global_user_id, code, source AS of,
    CASE WHEN origin = %(origin)s THEN market_id ELSE only_market_id END AS bound_to
FROM waves_code WHERE wave_id = %(wave)s
"""
# A fan whose code an earlier attempt reserved may be selected for another market, or the wave for
# another date. [K-5]
_KEEP_RESERVED = """
UPDATE waves_code SET market_id = fans.market, begins_at = %(begins)s, ends_at = %(ends)s
FROM unnest(%(fans)s::text[], %(markets)s::bigint[]) AS fans (fan, market)
WHERE wave_id = %(wave)s AND global_user_id = fans.fan AND state = 'reserved'
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


def held_by(wave: Wave) -> pl.DataFrame:
    """`global_user_id` and `code` of those that have one reserved for the wave."""
    return nullable_frame_of(
        _RESERVATIONS, {"global_user_id": pl.String, "code": pl.String}, wave=wave.pk
    )


def usable(wave: Wave, wanting: pl.DataFrame, fence: Fence) -> pl.DataFrame:
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


def redate(wave: Wave) -> int:
    """The codes reserved for the wave are valid from its present notify date on; how many. [K-2]"""
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    return run(_REDATE, wave=wave.pk, begins=begins, ends=ends)


def release_others(wave: Wave, members: pl.DataFrame, fence: Fence = lambda: None) -> int:
    """Free what an earlier attempt reserved for fans who are not among the members any more; how
    many. Before the members' codes are reserved: they may need these. [K-5]
    """
    held = held_by(wave)
    unused = held.join(members, on="global_user_id", how="anti")["code"].to_list()
    return _release_at_once(wave, unused, fence)


def release_codes(wave: Wave, codes: list[str]) -> int:
    """Free these of the codes that are reserved for the wave; how many. [K-5]"""
    return run(_RELEASE_THESE, wave=wave.pk, codes=codes, origin=CODE_SERVICE) if codes else 0


def release(wave: Wave) -> int:
    """Free every code that is reserved for the wave and not assigned yet. [K-5]"""
    return run(_RELEASE_ALL, wave=wave.pk, origin=CODE_SERVICE)


def _keep_reserved(wave: Wave, kept: pl.DataFrame, fence: Fence) -> None:
    """What an earlier attempt reserved says the market and the dates of this one. [K-5, X-10]"""
    if kept.is_empty():
        return
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    fans, markets = kept["global_user_id"].to_list(), kept["market"].to_list()
    with transaction.atomic():
        fence()
        run(_KEEP_RESERVED, wave=wave.pk, fans=fans, markets=markets, begins=begins, ends=ends)


def _release_at_once(wave: Wave, codes: list[str], fence: Fence) -> int:
    if not codes:
        return 0
    with transaction.atomic():
        fence()
        return release_codes(wave, codes)
