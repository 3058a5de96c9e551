"""Whether there are enough codes: as far as it can be known beforehand, and in the end. [K-4]"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from django.conf import settings

from campaigns.choices import CodeSource
from campaigns.models import Market
from operations.database.statements import rows
from operations.plurals import plural
from waves.errors import CodesExhausted
from waves.models import Wave

# What an earlier attempt of this wave reserved is there for it.
_STOCK = """
SELECT only_market_id, count(*) FROM waves_code
WHERE campaign_id = %(campaign)s AND source = 'partner' AND (state = 'available'
    OR state = 'reserved' AND wave_id = %(wave)s)
GROUP BY only_market_id
"""


@dataclass(frozen=True)
class CodeNeed:
    """How many codes of which sources one market needs."""

    market: Market
    sources: list[str]
    wanted: int


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


def require_all_coded(wave: Wave, coded: pl.DataFrame) -> None:
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
