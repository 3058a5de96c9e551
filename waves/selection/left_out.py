"""Those who were left out: the candidates whom the campaign's own rules give no seat any more,
told so in a wave of their own. [X-8]

Such a wave is selected as one with a capacity of 0 in each market: its candidates are whoever was
accepted and could have had a seat, all of them wait, and they become its members. So it is sealed,
counted a second time and proved as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
from django.db.models import Q, QuerySet

from campaigns.models import Campaign
from waves.choices import WaveKind, WaveState
from waves.errors import FansWereTold, WrongState
from waves.markets import MarketSeat
from waves.models import Wave
from waves.selection.allocation import Selection, members_digest

SENT = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)
UNSENT = (
    *(WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED, WaveState.PREPARED),
    *(WaveState.APPROVED, WaveState.SCHEDULED, WaveState.HELD),
)


def without_room(of_campaign: Sequence[MarketSeat]) -> list[MarketSeat]:
    """All markets of the campaign, with no seat for this wave."""
    return [replace(seat, most=0) for seat in of_campaign]


def of_those_left_out(selection: Selection) -> Selection:
    """Who waits is a member, without a market, at their place of the waiting list."""
    members = selection.waitlist.select(
        "global_user_id", pl.lit("").alias("market_id"), pl.col("place")
    )
    return replace(
        selection,
        members=members,
        waiting=selection.waiting.clear(),
        members_digest=members_digest(members),
    )


def require_waves_are_done(campaign: Campaign, wave: Wave | None) -> None:
    """Nobody may be told that they were not selected and be selected after all. Raises WrongState
    where no wave was sent yet, or one may still be.
    """
    others = campaign.waves.exclude(pk=wave.pk) if wave else campaign.waves.all()
    if not others.filter(state__in=SENT).exclude(kind=WaveKind.NOT_SELECTED).exists():
        raise WrongState(
            f"Campaign {campaign.campaign_id}: no wave has been sent yet, so nobody was left out."
        )
    unsent = others.filter(state__in=UNSENT).order_by("id").first()
    if unsent is not None:
        raise WrongState(
            f"Wave {unsent.name} is {unsent.state}. Send or cancel it before you notify fans who"
            " were not selected."
        )


def waves_that_told(campaign: Campaign) -> QuerySet[Wave]:
    """The waves that tell fans that they were not selected: prepared, or sent and not taken back in
    time.
    """
    prepared = ~Q(state__in=(WaveState.CONFIGURED, WaveState.FAILED, WaveState.CANCELLED))
    return campaign.waves.filter(
        prepared | Q(triggered_at__isnull=False), kind=WaveKind.NOT_SELECTED
    )


def cancelled_that_told(campaign: Campaign) -> list[int]:
    """Those of `waves_that_told` whose fans no live wave holds any more, by their keys."""
    cancelled = waves_that_told(campaign).filter(state=WaveState.CANCELLED)
    return list(cancelled.values_list("pk", flat=True))


def require_nobody_was_told(campaign: Campaign) -> None:
    """Raises FansWereTold where a top-up would select whom another wave tells otherwise. [X-7]"""
    told = waves_that_told(campaign).order_by("id").first()
    if told is None:
        return
    advice = (
        " Cancel it first, if its fans should get the free seats."
        if told.triggered_at is None
        else ""
    )
    raise FansWereTold(
        f"Campaign {campaign.campaign_id} cannot be topped up any more: wave {told.name}"
        f" {'tells' if told.triggered_at is None else 'told'} the fans who are left that they were"
        f" not selected.{advice}"
    )
