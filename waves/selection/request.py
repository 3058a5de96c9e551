"""What is asked of a wave, and what holds where a request leaves it open: the wave as it is stored,
else the default. [W-5]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from waves.choices import Order, WaveKind
from waves.errors import BadMinimumScore, WrongState
from waves.models import Wave
from waves.naming import wave_name


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
class OwnRules:
    """What a wave itself says of how fans are selected, beside its markets."""

    order: Order
    single_market: str
    min_score: float | None
    reassign: bool


def kind_of(request: WaveRequest, wave: Wave | None) -> WaveKind:
    """Of the wave that is asked for. Raises WrongState where it is of another kind already, is an
    uploaded list, or has rules of its own that its kind cannot have.
    """
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


def wave_topped_up(request: WaveRequest, wave: Wave | None) -> int | None:
    """The key of the wave that is topped up; a top-up that is given rules of its own is none any
    more. [X-7]
    """
    if request.tops_up is not None or request.has_own_rules:
        return request.tops_up
    return wave.tops_up_id if wave else None


def own_rules_of(request: WaveRequest, wave: Wave | None) -> OwnRules:
    """Of the request, else of the wave as it is stored. Raises BadMinimumScore."""
    single_market = request.single_market or (
        wave.single_market if wave and request.order is None else ""
    )
    reassign = bool(wave and wave.reassign) if request.reassign is None else request.reassign
    return OwnRules(_order(request, wave), single_market, _min_score(request, wave), reassign)


def rules_topped_up(base: Wave) -> OwnRules:
    """Of the wave that is topped up. [X-7]"""
    return OwnRules(Order(base.order), base.single_market, base.min_score, reassign=False)


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
