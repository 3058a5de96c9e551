"""A presale in plain values: all that a selection depends on, as W-5 names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Contact:
    """An address, a phone in E.164, and whether it is confirmed; empty where there is none."""

    email: str
    phone: str
    confirmed: bool


@dataclass
class Scored:
    """A row of the active score file. `luck`: the first 64 bits of h, where a test made them up;
    `rostered`: the preferences of the roster, None of who had not registered.
    """

    raw: float
    contact: Contact
    rostered: list[str] | None
    luck: int | None = None


@dataclass
class Registered:
    """The newest registration of a fan."""

    contact: Contact
    preferences: list[str]
    at: datetime


@dataclass
class PlainMarket:
    """A market of the campaign, or as a wave has it: then `most` is what its own file allows."""

    capacity: int
    position: int
    selection_time: datetime
    most: int | None = None
    code_source: str = "own"


@dataclass
class Line:
    """Of a wave's own market file; None = the cell is empty."""

    capacity: int | None = None
    selection_time: datetime | None = None
    code_source: str | None = None


@dataclass
class Asked:
    """What a wave says of itself. `file`: the lines of its market file by market, if it has one."""

    kind: str = "drawn"
    order: str = "by_preference"
    single_market: str = ""
    min_score: float | None = None
    reassign: bool = False
    file: dict[str, Line] | None = None
    tops_up: bool = False


@dataclass
class PlainWave:
    """`members`: the market of each fan; `markets`: as it was prepared."""

    asked: Asked
    state: str = "configured"
    members: dict[str, str] = field(default_factory=dict)
    markets: dict[str, PlainMarket] = field(default_factory=dict)
    triggered: bool = False
    notified: bool = False

    @property
    def is_live(self) -> bool:
        return self.state not in ("cancelled", "failed")


@dataclass
class Presale:
    """All that a selection depends on. `waves` in the order in which they were prepared; `codes`:
    the market of each fan's assigned code; lists in lower case.
    """

    campaign_id: str
    seed: bytes
    salt: bytes
    home_countries: list[str]
    allow_intl_phones: bool
    require_confirmed_phone: bool
    min_score: float
    markets: dict[str, PlainMarket]
    scored: dict[str, Scored] = field(default_factory=dict)
    registered: dict[str, Registered] = field(default_factory=dict)
    blacklist: list[str] = field(default_factory=list)
    whitelist: list[str] = field(default_factory=list)
    disposable: set[str] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)
    waves: dict[str, PlainWave] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
