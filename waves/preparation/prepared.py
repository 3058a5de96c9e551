"""A wave becomes prepared, drawn or uploaded: members, markets, what is sent to them, and nothing
of an earlier approval or count. [W-5, W-7, X-5]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import polars as pl
from django.contrib.auth.models import User

from campaigns.models import Campaign, Market
from waves.choices import WaveState
from waves.digest import content_digest
from waves.lifecycle import UNAPPROVED, drop_members, move
from waves.markets import MarketSeat
from waves.messages.templates import live_content, texts_for
from waves.models import Wave
from waves.preparation.members import write_members
from waves.preparation.wave_markets import write_wave_markets
from waves.second_count.verdict import NO_VERDICT
from waves.selection.allocation import MarketResult


def mark_prepared(
    wave: Wave,
    members: pl.DataFrame,
    seats: Iterable[MarketSeat],
    markets: Mapping[str, Market],
    results: Iterable[MarketResult],
    *,
    campaign: Campaign,
    by: User | None,
    now: datetime,
    **values: Any,
) -> None:
    """→ PREPARED with these coded members, and `values` with it. Call it in the transaction that
    holds the locks of the wave and the `campaign`, whose texts are those of this moment. Raises
    WrongState, BadTemplate.
    """
    wave.campaign = campaign
    drop_members(wave)
    write_members(wave, members)
    write_wave_markets(wave, seats, markets, results)
    wave.content = live_content(wave, texts_for(members))
    prepared = {
        "error": "",
        "content": wave.content,
        "content_digest": content_digest(wave),
        "notify_channels": campaign.notify_channels,
        "selected": members.height,
        "status_stored": False,
        "prepared_by": by,
        "prepared_at": now,
    }
    move(wave, WaveState.PREPARED, by=by, **prepared, **UNAPPROVED, **NO_VERDICT, **values)
