"""Gather what a selection needs, and refuse what cannot be selected; preview and preparation share
this. [W-5]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from campaigns.draw import Draw, in_order
from campaigns.models import Campaign, Market, ScoreFile
from campaigns.opening import campaign_of, draw_of, require_open
from campaigns.scoring import rules
from campaigns.scoring.outcomes import Rules
from datalake.storage import buckets
from operations.entry import values
from operations.instants import in_words
from waves.choices import Exclusion, Order, WaveKind
from waves.errors import (
    BadMinimumScore,
    NoActiveScores,
    SelectionNotOpen,
    UnknownMarket,
    WrongState,
)
from waves.holds import NOBODY_RETURNS, code_holders, returning_fans, seats_given
from waves.markets import MarketSeat, seats_of_campaign
from waves.models import Wave
from waves.naming import aware, market_file_key, wave_name
from waves.selection import candidates
from waves.selection.allocation import Selection, members_digest, seats_in_play, select
from waves.selection.left_out import (
    cancelled_that_told,
    of_those_left_out,
    require_waves_are_done,
    without_room,
)
from waves.selection.market_files import markets_of_wave
from waves.selection.top_up_rules import base_of_top_up


@dataclass(frozen=True)
class WaveRequest:
    """A wave as requested. None = as the wave has it already, else the default. `tops_up`: the key
    of the wave by whose rules it fills what room is left. [X-7]
    """

    campaign_id: str
    date_key: str
    notify_date: datetime | None = None
    market_file: bytes | None = None
    order: Order | None = None
    single_market: str | None = None
    min_score: float | None = None
    reassign: bool | None = None
    kind: WaveKind | None = None
    tops_up: int | None = None

    @property
    def has_own_rules(self) -> bool:
        """Whether it says of itself how fans are selected."""
        own = (self.market_file, self.order, self.single_market, self.min_score, self.reassign)
        return any(rule is not None for rule in own)

    @property
    def name(self) -> str:
        return wave_name(self.campaign_id, self.date_key)


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


@dataclass(frozen=True)
class PlannedSelection:
    """A plan, its candidates, the selection made from them, who was not a candidate, by reason, and
    the minimum that applied: the largest of the bands', the campaign's and the wave's. `rules`: by
    which contacts were judged. `moved`: the fans whom the wave's own rules moved, where it has any.
    [S-8]
    """

    plan: Plan
    candidates: candidates.Candidates
    selection: Selection
    least_score: float
    rules: Rules
    moved: int | None = None

    @property
    def returned(self) -> int:
        """Members who come with a code that they hold already. [W-6]"""
        return self.candidates.returning.height

    @property
    def fans(self) -> int:
        """All of the score file: candidates, those who come with a code, and excluded ones."""
        return self.selection.candidates + self.returned + sum(self.excluded.values())

    @property
    def excluded(self) -> dict[Exclusion, int]:
        counts = {**self.candidates.excluded, **self.selection.excluded}
        return {reason: counts[reason] for reason in Exclusion if counts.get(reason)}

    def as_result(self) -> dict[str, Any]:
        """The result object of `preview_wave`; `prepare_wave` adds to it."""
        return {
            "markets": [
                {
                    "market_id": market.market_id,
                    "capacity": market.capacity,
                    "given": market.given,
                    "room": market.room,
                    "selected": market.selected,
                    "cutoff": market.cutoff,
                    "wanted": market.wanted,
                }
                for market in self.selection.markets
            ],
            "candidates": self.selection.candidates,
            "excluded": {str(reason): count for reason, count in self.excluded.items()},
            "selected": self.selection.members.height,
            "waitlist": len(self.selection.waiting),
            "members_digest": self.selection.members_digest,
        }


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
    kind = _kind(request, wave)
    tops_up = base_of_top_up(campaign, wave, _tops_up(request, wave))
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
    own = _own_of(tops_up) if tops_up else _own(request, wave)
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


def select_members(plan: Plan, lists: Mapping[str, bytes] | None = None) -> PlannedSelection:
    """Read the candidates and select. Writes nothing. `lists`: see `rules.gather`. Raises
    UnknownMarket. [W-5, W-7]
    """
    return select_each([plan], lists)[0]


def select_each(
    plans: Sequence[Plan], lists: Mapping[str, bytes] | None = None
) -> list[PlannedSelection]:
    """The same by each of these plans of one wave, from one reading of the candidates. [X-4]"""
    first, wave = plans[0], plans[0].wave
    in_force = rules.gather(first.campaign, lists)
    holders = {reassign: _code_holders(first, reassign) for reassign in {p.reassign for p in plans}}
    terms = [
        (
            max(plan.min_score or 0.0, in_force.lowest_score),
            plan.reassign,
            frozenset(holders[plan.reassign]["held_market"]).intersection(_filled(plan)),
        )
        for plan in plans
    ]
    different = list(dict.fromkeys(terms))
    gathered = candidates.gather(
        first.score_file,
        in_force,
        [
            candidates.Terms(least, holders[own].filter(pl.col("held_market").is_in(list(held))))
            for least, own, held in different
        ],
        market_ids=first.markets,
        wave_id=wave.pk if wave else None,
        told=cancelled_that_told(first.campaign) if first.selects else (),
    )
    by_terms, draw = dict(zip(different, gathered, strict=True)), draw_of(first.campaign)
    return [
        _select(plan, by_terms[own], draw, in_force, least_score=own[0])
        for plan, own in zip(plans, terms, strict=True)
    ]


def _filled(plan: Plan) -> dict[int, str]:
    """The ids of the markets that the plan fills, by their keys."""
    return {plan.markets[seat.market_id].pk: seat.market_id for seat in plan.seats}


def _select(
    plan: Plan, gathered: candidates.Candidates, draw: Draw, in_force: Rules, *, least_score: float
) -> PlannedSelection:
    selection = select(
        gathered.frame,
        plan.seats,
        order=plan.order,
        single_market=plan.single_market or None,
        draw=draw,
    )
    if not plan.selects:
        selection = of_those_left_out(selection)
    if gathered.returning.height:
        selection = _with_returning(selection, gathered, _filled(plan), draw)
    return PlannedSelection(plan, gathered, selection, least_score, in_force)


def _code_holders(plan: Plan, reassign: bool) -> pl.DataFrame:
    """Who comes with a code that they hold: `global_user_id` and HELD. [W-6]"""
    if not plan.selects:
        return NOBODY_RETURNS
    if reassign:
        return code_holders(plan.campaign.pk, plan.wave.pk if plan.wave else None)
    return returning_fans(plan.campaign.pk)


def _with_returning(
    selection: Selection,
    gathered: candidates.Candidates,
    filled: Mapping[int, str],
    draw: Draw,
) -> Selection:
    """Those who come with a code are members too, in the order of the draw, at place 0: their seat
    and their code are from an earlier wave. [W-6]
    """
    returned = gathered.returning.select(
        "global_user_id",
        pl.col("held_market").replace_strict(filled, return_dtype=pl.String).alias("market_id"),
        pl.lit(0, pl.Int64).alias("place"),
    )
    needed = ("global_user_id", "band_score", "luck")
    everybody = pl.concat([gathered.frame.select(needed), gathered.returning.select(needed)])
    members = (
        in_order(everybody, draw)
        .select("global_user_id")
        .join(
            pl.concat([selection.members, returned]),
            on="global_user_id",
            how="inner",
            maintain_order="left",
        )
    )
    return replace(selection, members=members, members_digest=members_digest(members))


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


def _order(request: WaveRequest, wave: Wave | None) -> Order:
    if request.order is not None:
        return request.order
    if request.single_market:
        return Order.SINGLE_MARKET
    return Order(wave.order) if wave else Order.BY_PREFERENCE


def _min_score(request: WaveRequest, wave: Wave | None) -> float | None:
    if request.min_score is None:
        return wave.min_score if wave else None
    if not 0 <= request.min_score <= 1:
        raise BadMinimumScore(f"The minimum score {request.min_score} is not a number from 0 to 1.")
    return request.min_score


@dataclass(frozen=True)
class _Own:
    """What a wave itself says of how fans are selected, beside its markets."""

    order: Order
    single_market: str
    min_score: float | None
    reassign: bool


def _own(request: WaveRequest, wave: Wave | None) -> _Own:
    """Of the request, else of the wave as it is stored. Raises BadMinimumScore."""
    single_market = request.single_market or (
        wave.single_market if wave and request.order is None else ""
    )
    return _Own(
        _order(request, wave), single_market, _min_score(request, wave), _reassign(request, wave)
    )


def _own_of(base: Wave) -> _Own:
    """Of the wave that is topped up. [X-7]"""
    return _Own(Order(base.order), base.single_market, base.min_score, reassign=False)


def _reassign(request: WaveRequest, wave: Wave | None) -> bool:
    if request.reassign is None:
        return bool(wave and wave.reassign)
    return request.reassign


def _tops_up(request: WaveRequest, wave: Wave | None) -> int | None:
    """A top-up that is given rules of its own is none any more."""
    if request.tops_up is not None or request.has_own_rules:
        return request.tops_up
    return wave.tops_up_id if wave else None


def _kind(request: WaveRequest, wave: Wave | None) -> WaveKind:
    """Raises WrongState where the wave is of another kind, or of one that is not selected."""
    kind = request.kind or (WaveKind(wave.kind) if wave else WaveKind.DRAWN)
    if wave and wave.kind == WaveKind.UPLOADED:
        raise WrongState(
            f"Wave {wave.name} is an uploaded list. Upload it again, or choose another date key."
        )
    if wave and wave.kind != kind:
        raise WrongState(
            f"Wave {wave.name} is of another kind ({WaveKind(wave.kind).label.lower()}). Choose"
            " another date key."
        )
    if kind == WaveKind.NOT_SELECTED and request.has_own_rules:
        raise WrongState(
            f"Wave {request.name} is for fans who were not selected: it has no markets, order or"
            " minimum score of its own."
        )
    return kind


def _require_selection_times(seats: Sequence[MarketSeat], now: datetime) -> None:
    for seat in seats:
        if seat.selection_time > now:
            raise SelectionNotOpen(
                f"Market {seat.market_id}: its selection time {in_words(seat.selection_time)}"
                " has not passed yet. Prepare the wave after it, or leave the market out.",
                seat.market_id,
            )
