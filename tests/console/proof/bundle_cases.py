"""Synthetic presales packed as proof bundles: enough of one for the checker, without a database."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from campaigns.draw import Draw, draw_frame
from console.proof.bundle import ProvenAttempt, ProvenWave, write_bundle
from tests.support.campaigns import roster_digest
from waves.choices import Order
from waves.markets import MarketSeat
from waves.selection.allocation import select

ALL_ORDERS = (Order.BY_PREFERENCE, Order.BY_MARKET_ORDER, Order.SINGLE_MARKET)

DRAW = Draw("12345", bytes(range(32)), bytes(range(32, 64)), "8a1f public value")
NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
MARKETS = ("us-west", "us-east", "us-south")


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


def make_bundle(
    target: Path,
    count: int = 60,
    *,
    draw: Draw = DRAW,
    capacities: tuple[int, ...] = (5, 4, 3),
    orders: tuple[Order, ...] = (Order.BY_PREFERENCE,),
    drawn: pl.DataFrame | None = None,
) -> dict[str, Any]:
    """Write a bundle of one score file and a wave per order, members of earlier waves left out;
    returns what is public.
    """
    drawn = draw_frame(fans(count), draw) if drawn is None else drawn
    seats = [
        MarketSeat(market, market, room, NOON, at)
        for at, (market, room) in enumerate(zip(MARKETS, capacities, strict=True))
    ]
    table, taken, waves = drawn, [], []
    for number, order in enumerate(orders, 1):
        date_key = f"2026012{number}"
        free = drawn.filter(~pl.col("global_user_id").is_in(taken)).with_columns(
            registered_at=pl.lit(NOON)
        )
        alone = MARKETS[0] if order == Order.SINGLE_MARKET else None
        of_wave = seats[:1] if alone else seats
        chosen = select(free, seats, order=order, single_market=alone, draw=draw)
        waves.append(_wave(date_key, order, of_wave, chosen, drawn))
        preferences = pl.col("preferences").list.eval(
            pl.element().filter(pl.element().is_in([seat.market_id for seat in of_wave]))
        )
        anything = pl.lit("|".join(seat.market_id for seat in of_wave))
        cell = (
            pl.when(pl.col("preferences").list.len() == 0)
            .then(anything)
            .when(preferences.list.len() > 0)
            .then(preferences.list.join("|"))
        )
        taken_already = pl.col("global_user_id").is_in(taken)
        table = table.with_columns(
            pl.when(taken_already)
            .then(pl.lit("!already_in_wave"))
            .otherwise(cell.otherwise(pl.lit("!no_market_wanted")))
            .alias(date_key)
        )
        taken += chosen.members["global_user_id"].to_list()
    attempt = {
        "attempt": 1,
        "state": "streamed",
        "sha256": "aa" * 32,
        "rules_digest": "bb" * 32,
        "roster_digest": roster_digest(
            zip(
                drawn["fan_ref"],
                drawn["raw_text"],
                drawn["preferences"].list.join("|"),
                strict=True,
            )
        ),
        "accepted": drawn.height,
        "bands": {
            name: drawn.filter(pl.col("band") == name).height for name in ("high", "mid", "low")
        },
        "min_score": 0.22,
    }
    rows = table.with_columns(pl.col("preferences").list.join("|"), raw_score=pl.col("raw_text"))
    chunks = [rows.slice(start, 25_000) for start in range(0, max(1, rows.height), 25_000)]
    date_keys = [wave.description["date_key"] for wave in waves]
    about = {"name": "Spring Tour", "entropy_source": "drand round 5551234", "draw_supplied": False}
    unread = {
        "attempt": 2,
        "state": "failed",
        "sha256": "cc" * 32,
        "rules_digest": "",
        "roster_digest": "",
        "accepted": 0,
        "bands": {},
        "min_score": 0.22,
    }
    write_bundle(
        target,
        draw,
        about,
        [ProvenAttempt(attempt, date_keys, chunks), ProvenAttempt(unread)],
        waves,
    )
    published = {
        "campaign_id": draw.campaign_id,
        "commitment": draw.commitment,
        "entropy_source": about["entropy_source"],
    }
    return published | {"attempts": [attempt]}


def _wave(
    date_key: str, order: Order, seats: list[MarketSeat], chosen: Any, drawn: pl.DataFrame
) -> ProvenWave:
    markets = [
        {
            "market_id": result.market_id,
            "capacity": result.capacity,
            "selected": result.selected,
            "cutoff": result.cutoff,
        }
        for result in chosen.markets
    ]
    description = {
        "date_key": date_key,
        "attempt": 1,
        "order": order.value,
        "min_score": 0.22,
        "markets": markets,
        "candidates": chosen.candidates,
        "waitlist": chosen.waitlist.height,
    }
    members = chosen.members.join(
        drawn.select("global_user_id", "fan_ref", "band_score"),
        on="global_user_id",
        maintain_order="left",
    )
    return ProvenWave(description, members)
