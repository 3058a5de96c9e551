"""The plan of a wave: a request checked against the campaign as it is now, and what cannot be
selected refused; preview and preparation share it. [W-5]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from campaigns.models import Campaign, Market, ScoreFile
from campaigns.opening import campaign_of, require_open
from datalake.storage import buckets
from operations.entry import values
from operations.instants import in_words
from waves.choices import Order, WaveKind
from waves.errors import NoActiveScores, SelectionNotOpen, UnknownMarket
from waves.holds import seats_given
from waves.markets import MarketSeat, seats_of_campaign
from waves.models import Wave
from waves.naming import aware, market_file_key
from waves.selection.allocation import seats_in_play
from waves.selection.left_out import require_waves_are_done, without_room
from waves.selection.market_files import markets_of_wave
from waves.selection.request import (
    WaveRequest,
    kind_of,
    own_rules_of,
    rules_topped_up,
    wave_topped_up,
)
from waves.selection.top_up_rules import base_of_top_up


@dataclass(frozen=True)
class Plan:
    """A checked request: what is selected from, into which markets, in which order. `seats` are the
    markets that are filled, in position order; `file_seats` also those that a single market leaves
    out; `all_seats` all of the campaign as its own rules fill them, within the wave's own
    capacities; `markets` are all of the campaign, by market id. `tops_up`: the wave whose rules
    these are. [X-7]
    """

    campaign: Campaign
    wave: Wave | None
    score_file: ScoreFile
    seats: tuple[MarketSeat, ...]
    file_seats: tuple[MarketSeat, ...]
    all_seats: tuple[MarketSeat, ...]
    markets: Mapping[str, Market]
    order: Order
    single_market: str
    min_score: float | None
    reassign: bool = False
    kind: WaveKind = WaveKind.DRAWN
    tops_up: Wave | None = None

    @property
    def selects(self) -> bool:
        """Whether its members get seats; else they are told that they were not selected. [X-8]"""
        return self.kind != WaveKind.NOT_SELECTED


def plan_of(request: WaveRequest, *, now: datetime) -> Plan:
    """Check a request against the campaign as it is now. Reads no fan, writes nothing.

    Raises UnknownCampaign, WrongStatus, BadDateKey, NaiveDate, WrongState, BadMarketFile,
    UnknownMarket, BadMinimumScore, SelectionNotOpen, NoActiveScores; BadValue for a date out of all
    years; NothingToTopUp [X-7]; FansWereTold [X-7, X-8].
    """
    name = request.name
    campaign = campaign_of(request.campaign_id)
    require_open(campaign)
    wave = Wave.objects.filter(name=name).first()
    if request.notify_date:
        values.within("notify date", aware(request.notify_date), years=values.NOTIFY_YEARS)
    markets = {market.market_id: market for market in campaign.markets.all()}
    of_campaign = seats_of_campaign(
        markets.values(), campaign.code_source, seats_given(campaign.pk)
    )
    kind = kind_of(request, wave)
    tops_up = base_of_top_up(campaign, wave, wave_topped_up(request, wave))
    if kind == WaveKind.NOT_SELECTED:
        require_waves_are_done(campaign, wave)
        seats = without_room(of_campaign)
    else:
        market_file = request.market_file
        if market_file is None:
            market_file = market_file_in_bucket(request.campaign_id, request.date_key)
        seats = markets_of_wave(market_file, of_campaign)
    if not seats:
        raise UnknownMarket(
            f"Campaign {campaign.campaign_id} has no markets. Add one before you prepare a wave."
        )
    own = rules_topped_up(tops_up) if tops_up else own_rules_of(request, wave)
    in_play = seats_in_play(seats, own.order, own.single_market)
    _require_selection_times(in_play, now)
    return Plan(
        campaign=campaign,
        wave=wave,
        score_file=_active_scores(campaign),
        seats=tuple(in_play),
        file_seats=tuple(seats),
        all_seats=tuple(_within(seats, of_campaign)),
        markets=markets,
        order=own.order,
        single_market=own.single_market,
        min_score=own.min_score,
        reassign=own.reassign,
        kind=kind,
        tops_up=tops_up,
    )


def _within(seats: Sequence[MarketSeat], of_campaign: Sequence[MarketSeat]) -> list[MarketSeat]:
    """The campaign's markets as they are, but for the wave's own capacities. [S-8]"""
    own = {seat.market_id: seat.most for seat in seats}
    return [replace(seat, most=own.get(seat.market_id)) for seat in of_campaign]


def market_file_in_bucket(campaign_id: str, date_key: str) -> bytes | None:
    """The markets file of that wave, if one was put there. [W-5]"""
    bucket, key = buckets.scoring(), market_file_key(campaign_id, date_key)
    if not bucket.exists(key):
        return None
    with bucket.open(key) as file:
        return file.read()


def _active_scores(campaign: Campaign) -> ScoreFile:
    if campaign.active_score_file is None:
        raise NoActiveScores(
            f"Campaign {campaign.campaign_id} has no active score file. Process a score"
            " file, or make a drawn one active."
        )
    return campaign.active_score_file


def _require_selection_times(seats: Sequence[MarketSeat], now: datetime) -> None:
    for seat in seats:
        if seat.selection_time > now:
            raise SelectionNotOpen(
                f"Market {seat.market_id}: its selection time {in_words(seat.selection_time)}"
                " has not passed yet. Prepare the wave after it, or leave the market out.",
                seat.market_id,
            )
