"""Synthetic presales packed as proof bundles: enough of one for the checker, without a database."""

from __future__ import annotations

import copy
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from campaigns.draw import Draw, draw_frame
from console.proof.bundle import ProvenRoster, ProvenWave, write_bundle
from waves.choices import Order
from waves.markets import MarketSeat
from waves.selection.allocation import select

ALL_ORDERS = (Order.BY_PREFERENCE, Order.BY_MARKET_ORDER, Order.SINGLE_MARKET)

DRAW = Draw("12345", bytes(range(32)), bytes(range(32, 64)), "8a1f public value")
NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
MARKETS = ("us-west", "us-east", "us-south")
LEAST = 0.25  # of each wave: a few fans of the low band are below it
Page = dict[str, Any]


def fans(count: int, seed: int = 7) -> pl.DataFrame:
    """`global_user_id, raw_text, raw_score, preferences` of fans in all bands; some wish for one
    market, some for any.
    """
    dice = random.Random(seed)
    texts = [
        dice.choice(["0.95", "0.80", "0.22", "1", "+.5e0", f"{dice.uniform(0.22, 1):.6f}"])
        for _ in range(count)
    ]
    preferences = [dice.sample(MARKETS, dice.randrange(len(MARKETS) + 1)) for _ in range(count)]
    return pl.DataFrame(
        {
            "global_user_id": [f"fan-{number}-é" for number in range(count)],
            "raw_text": texts,
            "raw_score": [float(text) for text in texts],
            "preferences": preferences,
        },
        schema={
            "global_user_id": pl.String,
            "raw_text": pl.String,
            "raw_score": pl.Float64,
            "preferences": pl.List(pl.String),
        },
    )


@dataclass
class Case:
    """A presale: its page at the close, and per score file its fans (`global_user_id, raw_text,
    raw_score, band_score, luck, fan_ref, preferences` and a cell per wave), per wave its members.
    """

    draw: Draw
    page: Page
    drawn: pl.DataFrame
    cells: dict[str, list[str]] = field(default_factory=dict)
    members: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def published(self) -> Page:
        """The page as it was saved just before the close."""
        page = copy.deepcopy(self.page)
        return page | {"status": "open", "closed_at": None, "seed": None}

    def write(self, target: Path) -> Page:
        """Pack it; returns the page as it was saved before."""
        rows = self.drawn.with_columns(
            pl.col("preferences").list.join("|"),
            *(pl.Series(key, cells, dtype=pl.String) for key, cells in self.cells.items()),
            raw_score=pl.col("raw_text"),
        )
        chunks = [rows.slice(start, 25_000) for start in range(0, max(1, rows.height), 25_000)]
        waves = [ProvenWave(key, members) for key, members in self.members.items()]
        write_bundle(target, self.page, [ProvenRoster(1, list(self.cells), chunks)], waves)
        return self.published


def hours(count: float) -> str:
    return (NOON + timedelta(hours=count)).isoformat()


def case(
    count: int = 60,
    *,
    draw: Draw = DRAW,
    capacities: tuple[int, ...] = (5, 4, 3),
    orders: tuple[Order, ...] = (Order.BY_PREFERENCE,),
    drawn: pl.DataFrame | None = None,
    left_out: dict[int, str] | None = None,
    left_out_from: int = 1,
) -> Case:
    """One score file and a wave per order, members of earlier waves left out, and by row those of
    `left_out`, each for its reason, from the wave of this number on.
    """
    drawn = draw_frame(fans(count), draw) if drawn is None else drawn
    made = Case(draw, _page(drawn, draw), drawn)
    given = dict.fromkeys(MARKETS, 0)
    held: set[str] = set()
    for number, order in enumerate(orders, 1):
        alone = MARKETS[0] if order == Order.SINGLE_MARKET else None
        seats = [
            MarketSeat(market, market.title(), room + given[market], NOON, at, given=given[market])
            for at, (market, room) in enumerate(zip(MARKETS, capacities, strict=True))
            if alone in (None, market)
        ]
        reasons = left_out or {} if number >= left_out_from else {}
        _add_wave(made, number, order, seats, held, reasons)
        for market, selected in _selected(made, number).items():
            if selected and number < len(orders):
                made.page["rule_changes"].append(more_seats(made, number + 0.5, market, selected))
            given[market] += selected
    return made


def more_seats(made: Case, at: float, market_id: str, seats: int) -> Page:
    """A change of rules that gives the market so many seats more than it had in its last wave."""
    capacities = [
        market["capacity"]
        for wave in made.page["waves"]
        for market in wave["markets"]
        if market["market_id"] == market_id
    ]
    return {
        "at": hours(at),
        "market_id": market_id,
        "rule": "capacity",
        "before": str(capacities[-1]),
        "after": str(capacities[-1] + seats),
        "reason": "a larger hall",
    }


def make_bundle(target: Path, count: int = 60, **options: Any) -> Page:
    """Write the bundle of a `case`; returns the page as it was saved before the close."""
    return case(count, **options).write(target)


def _selected(made: Case, number: int) -> dict[str, int]:
    return {
        market["market_id"]: market["selected"]
        for market in made.page["waves"][number - 1]["markets"]
    }


def _add_wave(
    made: Case,
    number: int,
    order: Order,
    seats: list[MarketSeat],
    held: set[str],
    left_out: dict[int, str],
) -> None:
    in_wave = [seat.market_id for seat in seats]
    cells = []
    for row, (fan, raw, asked) in enumerate(
        made.drawn.select("global_user_id", "raw_score", "preferences").iter_rows()
    ):
        eligible = [market for market in asked or in_wave if market in in_wave]
        reason = left_out.get(row, "")
        if raw < LEAST and reason != "not_registered":
            reason = "below_minimum_score"
        elif fan in held and reason != "not_registered":
            reason = "already_in_wave"
        elif not reason and not eligible:
            reason = "no_market_wanted"
        cells.append(f"!{reason}" if reason else "|".join(eligible))
    free = made.drawn.filter(
        pl.Series([cell[:1] != "!" for cell in cells], dtype=pl.Boolean)
    ).with_columns(registered_at=pl.lit(NOON))
    chosen = select(
        free,
        seats,
        order=order,
        single_market=in_wave[0] if order == Order.SINGLE_MARKET else None,
        draw=made.draw,
    )
    key = f"2026012{number}"
    made.cells[key] = cells
    made.members[key] = chosen.members.join(
        made.drawn.select("global_user_id", "fan_ref", "band_score"),
        on="global_user_id",
        maintain_order="left",
    )
    held |= set(chosen.members["global_user_id"])
    prepared = hours(number)
    made.page["waves"].append(
        {
            "date_key": key,
            "state": "completed",
            "kind": "drawn",
            "attempt": 1,
            "preparations": 1,
            "first_prepared_at": prepared,
            "prepared_at": prepared,
            "triggered_at": hours(number + 24),
            "cancelled_at": None,
            "notify_date": hours(number + 24),
            "order": order.value,
            "single_market": in_wave[0] if order == Order.SINGLE_MARKET else None,
            "min_score": LEAST,
            "candidates": chosen.candidates,
            "selected": chosen.members.height,
            "returned": 0,
            "reassign": False,
            "tops_up": None,
            "waitlist": chosen.waitlist.height,
            "excluded": dict(
                sorted(Counter(cell[1:] for cell in cells if cell[:1] == "!").items())
            ),
            "markets": [
                {
                    "market_id": seat.market_id,
                    "name": seat.name,
                    "position": seat.position,
                    "selection_time": seat.selection_time.isoformat(),
                    "capacity": seat.capacity,
                    "own_capacity": None,
                    "given": seat.given,
                    "room": seat.room,
                    "selected": result.selected,
                    "cutoff": result.cutoff,
                }
                for seat, result in zip(seats, chosen.markets, strict=True)
            ],
        }
    )


def roster_lines(drawn: pl.DataFrame) -> bytes:
    lines = drawn.select(
        pl.concat_str(
            "fan_ref", "raw_text", pl.col("preferences").list.join("|"), separator="\t"
        ).alias("line")
    )["line"].sort()
    return "".join(f"{line}\n" for line in lines).encode()


def _page(drawn: pl.DataFrame, draw: Draw) -> Page:
    attempt = {
        "attempt": 1,
        "received_at": hours(-20),
        "state": "streamed",
        "active": True,
        "late": False,
        "supplement_of": None,
        "sha256": "aa" * 32,
        "rules_digest": "bb" * 32,
        "roster_digest": hashlib.sha256(roster_lines(drawn)).hexdigest(),
        "rows_in": drawn.height + 3,
        "accepted": drawn.height,
        "rejected": 3,
        "bands": {
            name: drawn.filter(pl.col("band") == name).height for name in ("high", "mid", "low")
        },
        "min_score": 0.22,
    }
    unread = attempt | {
        "attempt": 2,
        "received_at": hours(-2),
        "state": "failed",
        "active": False,
        "late": True,
        "supplement_of": 1,
        "sha256": "cc" * 32,
        "rules_digest": "",
        "roster_digest": "",
        "rows_in": 0,
        "accepted": 0,
        "rejected": 0,
        "bands": {"high": 0, "mid": 0, "low": 0},
        "min_score": None,
    }
    source = {
        "source": "the lottery of 18 January 2026",
        "chain": None,
        "round": None,
        "form": "as it is published",
        "public_at": hours(-10),
    }
    before = source | {
        "source": "drand round 5775626",
        "chain": "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce",
        "round": 5775626,
        "form": "randomness of the round: 64 lower-case hex digits",
        "public_at": hours(-10.5),
    }
    return {
        "scheme": 2,
        "campaign_id": draw.campaign_id,
        "name": "Spring Tour",
        "artist": "The Bänd",
        "status": "closed",
        "opened_at": hours(-40),
        "closed_at": hours(100),
        "commitment": draw.commitment,
        "salt_commitment": draw.salt_commitment,
        "draw_supplied": False,
        "entropy": source
        | {
            "value": draw.entropy,
            "entered_at": hours(-9),
            "moved": before | {"at": hours(-30), "reason": "the day was moved"},
        }
        if draw.entropy
        else None,
        "first_drawn_at": hours(-8),
        "late_since": hours(-10) if draw.entropy else hours(-8),
        "named_attempt": 1,
        "seed": draw.seed.hex(),
        "attempts": [attempt, unread],
        "rule_changes": [
            {
                "at": hours(-7),
                "market_id": None,
                "rule": "minimum score",
                "before": "0.3",
                "after": "0.25",
                "reason": "a larger hall",
            }
        ],
        "late": [
            {
                "number": 1,
                "at": hours(-2),
                "kind": "score_file",
                "subject": "attempt 2, a supplement of attempt 1",
                "reason": "corrected rows",
                "moved": None,
            },
            {
                "number": 2,
                "at": hours(-1),
                "kind": "lists",
                "subject": "blacklist",
                "reason": "resellers",
                "moved": 3,
            },
        ],
        "waves": [],
        "proof": None,
    }
