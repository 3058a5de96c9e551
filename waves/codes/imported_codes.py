"""Imported partner codes for the members of a wave. [K-4, K-5]"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl
from django.db import transaction

from campaigns.models import Market
from operations.database.retries import retried
from operations.database.statements import run
from waves.codes.reservations import Fence
from waves.models import Wave
from waves.naming import code_validity

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


def reserve(
    wave: Wave, members: pl.DataFrame, *, now: datetime, fence: Fence
) -> Iterator[tuple[Market, list[str], int]]:
    """Imported codes for the first fans of each market: the market, its fans, and how many got one.
    `members`, the best first: `global_user_id`, `market` (its key).
    """
    markets = {market.pk: market for market in wave.campaign.markets.all()}
    for (key,), group in members.group_by("market", maintain_order=True):
        market, fans = markets[key], group["global_user_id"].to_list()
        yield market, fans, _reserve_for_market(wave, market, fans, now, fence)


@retried
@transaction.atomic
def _reserve_for_market(
    wave: Wave, market: Market, fans: list[str], now: datetime, fence: Fence
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
