"""What a wave does in each of its markets, kept as it was prepared. [W-5, S-16]"""

from __future__ import annotations

from waves.models import Wave, WaveMarket
from waves.selection.plan import PlannedSelection


def write_wave_markets(wave: Wave, planned: PlannedSelection) -> None:
    """In place of those of an earlier preparation."""
    results = {result.market_id: result for result in planned.selection.markets}
    WaveMarket.objects.filter(wave=wave).delete()
    WaveMarket.objects.bulk_create(
        WaveMarket(
            wave=wave,
            market=planned.plan.markets[seat.market_id],
            name=seat.name,
            capacity=seat.capacity,
            own_capacity=seat.most,
            given=seat.given,
            room=seat.room,
            selection_time=seat.selection_time,
            position=seat.position,
            code_source=seat.code_source,
            selected=results[seat.market_id].selected,
            wanted=results[seat.market_id].wanted,
            cutoff=results[seat.market_id].cutoff,
        )
        for seat in planned.plan.seats
    )
