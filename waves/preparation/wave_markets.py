"""What a wave does in each of its markets, kept as it was prepared. [W-5, S-16]"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from campaigns.models import Market
from waves.markets import MarketSeat
from waves.models import Wave, WaveMarket
from waves.selection.allocation import MarketResult


def write_wave_markets(
    wave: Wave,
    seats: Iterable[MarketSeat],
    markets: Mapping[str, Market],
    results: Iterable[MarketResult],
) -> None:
    """In place of those of an earlier preparation. `results`: one for each of the seats."""
    by_market = {result.market_id: result for result in results}
    WaveMarket.objects.filter(wave=wave).delete()
    WaveMarket.objects.bulk_create(
        WaveMarket(
            wave=wave,
            market=markets[seat.market_id],
            name=seat.name,
            capacity=seat.capacity,
            own_capacity=seat.most,
            given=seat.given,
            room=seat.room,
            selection_time=seat.selection_time,
            position=seat.position,
            code_source=seat.code_source,
            selected=by_market[seat.market_id].selected,
            wanted=by_market[seat.market_id].wanted,
            cutoff=by_market[seat.market_id].cutoff,
        )
        for seat in seats
    )
