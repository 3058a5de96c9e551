"""Markets and their seats, as the campaign has them. [W-5]"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Market


@dataclass(frozen=True)
class MarketSeat:
    """One market of a wave: how many seats, and until when a fan must have registered.

    `capacity` is the market's in the whole campaign, of which `given` are used already; `most` is
    what the wave's own file allows, None without one. [W-5]
    """

    market_id: str
    name: str
    capacity: int
    selection_time: datetime
    position: int = 0
    code_source: str = "own"
    given: int = 0
    most: int | None = None

    @property
    def code_sources(self) -> list[str]:
        """In the order in which they are used. [K-4]"""
        return self.code_source.split("|")

    @property
    def room(self) -> int:
        """Seats that the wave can fill. [W-5]"""
        left = max(0, self.capacity - self.given)
        return left if self.most is None else min(left, self.most)


def seats_of_campaign(
    markets: Iterable[Market], code_source: str, given: Mapping[int, int]
) -> list[MarketSeat]:
    """A campaign's own markets in position order; `given`: seats used already, by the market's
    key. [W-5]
    """
    return [
        MarketSeat(
            market.market_id,
            market.name,
            market.capacity,
            market.selection_time,
            market.position,
            code_source,
            given.get(market.pk, 0),
        )
        for market in sorted(markets, key=lambda market: (market.position, market.market_id))
    ]
