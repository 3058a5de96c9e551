"""A wave's markets and their seats, as prepared or as the campaign has them. [W-5]"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Market
from waves.models import Wave, WaveMarket


@dataclass(frozen=True)
class MarketSeat:
    """One market of a wave: how many, and until when a fan must have registered."""

    market_id: str
    name: str
    capacity: int
    selection_time: datetime
    position: int = 0
    code_source: str = "own"


def seats_of(wave: Wave) -> list[MarketSeat]:
    """The wave's markets as prepared."""
    rows = WaveMarket.objects.filter(wave=wave).select_related("market")
    return [
        MarketSeat(
            row.market.market_id,
            row.name,
            row.capacity,
            row.selection_time,
            row.position,
            row.code_source,
        )
        for row in rows
    ]


def seats_of_campaign(markets: Iterable[Market], code_source: str) -> list[MarketSeat]:
    """A campaign's own markets in position order."""
    return [
        MarketSeat(
            market.market_id,
            market.name,
            market.capacity,
            market.selection_time,
            market.position,
            code_source,
        )
        for market in sorted(markets, key=lambda market: (market.position, market.market_id))
    ]
