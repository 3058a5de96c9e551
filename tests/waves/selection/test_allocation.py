"""Selection: who is in, who waits, and why the rule is fair. [W-5, W-7]"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waves.choices import Exclusion, Order
from waves.errors import UnknownMarket
from waves.markets import MarketSeat
from waves.selection import preferences
from waves.selection.allocation import Selection, select

EXAMPLES = 2_000 if os.environ.get("FAIRWAVE_FULL") else 120
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEMA = {
    "global_user_id": pl.String,
    "band_score": pl.Float64,
    "luck": pl.Int64,
    "preferences": pl.List(pl.String),
    "registered_at": pl.Datetime("us", "UTC"),
}
Fan = dict[str, Any]


def fan(
    user: str,
    score: float,
    preferences: Sequence[str] = (),
    *,
    luck: int = 0,
    registered: datetime = NOON,
) -> Fan:
    return {
        "global_user_id": user,
        "band_score": score,
        "luck": luck,
        "preferences": list(preferences),
        "registered_at": registered,
    }


def seat(market_id: str, capacity: int, position: int = 0, closes: datetime = NOON) -> MarketSeat:
    return MarketSeat(market_id, market_id.upper(), capacity, closes, position)


def frame(fans: Iterable[Fan]) -> pl.DataFrame:
    return pl.DataFrame(list(fans), schema=SCHEMA)


def chosen(selection: Selection) -> dict[str, str]:
    return dict(selection.members.select("global_user_id", "market_id").iter_rows())


def naive(
    fans: Sequence[Fan], seats: Sequence[MarketSeat], order: Order, single: str | None = None
) -> Any:
    """W-5 as a person reads it aloud: (fan → market, waitlist in order)."""
    seats = sorted(seats, key=lambda s: (s.position, s.market_id))
    if order == Order.SINGLE_MARKET:
        seats = [s for s in seats if s.market_id == single]
    by_id = {s.market_id: s for s in seats}
    ordered = sorted(fans, key=lambda f: f["global_user_id"].encode())
    ordered.sort(key=lambda f: (f["band_score"], f["luck"]), reverse=True)
    eligible = {
        f["global_user_id"]: [
            m
            for m in (f["preferences"] or [s.market_id for s in seats])
            if m in by_id and f["registered_at"] <= by_id[m].selection_time
        ]
        for f in ordered
    }
    room = {s.market_id: s.capacity for s in seats}
    taken: dict[str, str] = {}
    if order == Order.BY_PREFERENCE:
        for user in eligible:
            for market in eligible[user]:
                if room[market] > 0:
                    room[market] -= 1
                    taken[user] = market
                    break
    else:
        for s in seats:
            for user in eligible:
                if user not in taken and s.market_id in eligible[user] and room[s.market_id] > 0:
                    room[s.market_id] -= 1
                    taken[user] = s.market_id
    return taken, [user for user in eligible if eligible[user] and user not in taken], eligible


MARKETS = ["a", "b", "c", "d"]
fans_strategy = st.lists(
    st.builds(
        fan,
        st.text("abxyzé😀Ａ", min_size=1, max_size=4),
        st.sampled_from([0.25, 0.5, 0.75, 1.0]),
        st.lists(st.sampled_from([*MARKETS, "elsewhere"]), max_size=5),
        luck=st.integers(-2, 2),
        registered=st.sampled_from([NOON - HOUR, NOON, NOON + HOUR]),
    ),
    max_size=25,
    unique_by=lambda f: f["global_user_id"],
)
seats_strategy = st.lists(
    st.builds(
        seat,
        st.sampled_from(MARKETS),
        st.integers(0, 6),
        st.integers(0, 3),
        st.sampled_from([NOON - HOUR, NOON, NOON + HOUR]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda s: s.market_id,
)


@settings(max_examples=EXAMPLES)
@given(fans_strategy, seats_strategy, st.sampled_from(Order), st.integers(1, 30))
# W-5
def test_selection_equals_the_rule_read_aloud_in_any_chunk_size(fans, seats, order, chunk_rows):
    single = seats[0].market_id
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preferences, "CHUNK_ROWS", chunk_rows)
        selection = select(frame(fans), seats, order=order, single_market=single)
    taken, waiting, eligible = naive(fans, seats, order, single)
    assert chosen(selection) == taken
    assert selection.waitlist["global_user_id"].to_list() == waiting
    assert selection.waitlist["place"].to_list() == list(range(1, len(waiting) + 1))
    assert selection.candidates == len(taken) + len(waiting)
    assert sum(selection.excluded.values()) == len(fans) - selection.candidates
    candidates = [user for user in eligible if eligible[user]]
    assert dict(selection.members.select("global_user_id", "place").iter_rows()) == {
        user: place for place, user in enumerate(candidates, start=1) if user in taken
    }
    for result in selection.markets:
        assert result.wanted == sum(result.market_id in wanted for wanted in eligible.values())
        assert result.selected == list(taken.values()).count(result.market_id)


@settings(max_examples=EXAMPLES)
@given(fans_strategy, seats_strategy, st.sampled_from(Order), st.randoms(use_true_random=False))
# W-5, S-8
def test_the_result_does_not_depend_on_the_row_order(fans, seats, order, chance: random.Random):
    single = seats[0].market_id
    first = select(frame(fans), seats, order=order, single_market=single)
    shuffled_fans, shuffled_seats = chance.sample(fans, len(fans)), chance.sample(seats, len(seats))
    second = select(frame(shuffled_fans), shuffled_seats, order=order, single_market=single)
    assert first.members.equals(second.members)
    assert first.waitlist.equals(second.waitlist)
    assert first.markets == second.markets
    assert first.members_digest == second.members_digest


@settings(max_examples=EXAMPLES)
@given(fans_strategy, seats_strategy, st.sampled_from(Order))
# W-5
def test_capacity_is_never_exceeded_and_nobody_waits_beside_an_empty_seat(fans, seats, order):
    selection = select(frame(fans), seats, order=order, single_market=seats[0].market_id)
    _, _, eligible = naive(fans, seats, order, seats[0].market_id)
    room = {result.market_id: result.capacity - result.selected for result in selection.markets}
    assert all(left >= 0 for left in room.values())
    for user in selection.waitlist["global_user_id"]:
        assert not any(room[market] for market in eligible[user])


@settings(max_examples=EXAMPLES)
@given(fans_strategy, seats_strategy)
# W-5, serial dictatorship
def test_nobody_would_rather_have_a_market_that_someone_after_them_got(fans, seats):
    selection = select(frame(fans), seats)
    _, _, eligible = naive(fans, seats, Order.BY_PREFERENCE)
    got, position = chosen(selection), {user: place for place, user in enumerate(eligible)}
    last = {
        market: max(position[u] for u in got if got[u] == market) for market in set(got.values())
    }
    for user, wanted in eligible.items():
        better = wanted[: wanted.index(got[user])] if user in got else wanted
        assert all(last.get(market, -1) < position[user] for market in better)


@settings(max_examples=EXAMPLES // 8)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 2), min_size=3, max_size=3))
def test_w5_misstating_preferences_never_helps(chance: random.Random, capacities):
    """Exhaustive over every report of every fan, against that fan's honest one."""
    markets = ["a", "b", "c"]
    reports = [list(p) for size in (1, 2, 3) for p in itertools.permutations(markets, size)]
    fans = [fan(f"u{n}", 0.5, chance.choice(reports), luck=chance.randint(-9, 9)) for n in range(4)]
    seats = [
        seat(market, capacity, n)
        for n, (market, capacity) in enumerate(zip(markets, capacities, strict=True))
    ]
    honest = chosen(select(frame(fans), seats))
    for liar, truth in enumerate(fan_["preferences"] for fan_ in fans):
        worth = {market: len(truth) - place for place, market in enumerate(truth)}
        user = fans[liar]["global_user_id"]
        for report in [*reports, []]:
            reported = [
                {**f, "preferences": report} if n == liar else f for n, f in enumerate(fans)
            ]
            outcome = chosen(select(frame(reported), seats)).get(user)
            assert worth.get(outcome, 0) <= worth.get(honest.get(user), 0)


def test_w5_the_cutoff_is_the_lowest_selected_score_and_only_of_a_full_market():
    fans = [
        fan("u1", 0.9, ["a"]),
        fan("u2", 0.8, ["a"]),
        fan("u3", 0.7, ["a"]),
        fan("u4", 0.6, ["b"]),
    ]
    full, roomy, closed = select(
        frame(fans), [seat("a", 2), seat("b", 2, 1), seat("c", 0, 2)]
    ).markets
    assert (full.selected, full.cutoff, full.wanted) == (2, 0.8, 3)
    assert (roomy.selected, roomy.cutoff) == (1, None)
    assert (closed.selected, closed.cutoff) == (0, None)


def test_s9_equal_scores_fall_to_luck_and_equal_luck_to_the_id():
    fans = [fan("b", 0.5, luck=1), fan("a", 0.5, luck=1), fan("c", 0.5, luck=2)]
    selection = select(frame(fans), [seat("m", 2)])
    assert selection.members["global_user_id"].to_list() == ["c", "a"]
    assert selection.waitlist.rows() == [("b", 1)]


def test_w5_c4_empty_preferences_mean_any_market_in_position_order():
    fans = [fan("u1", 0.9), fan("u2", 0.8), fan("u3", 0.7)]
    selection = select(frame(fans), [seat("late", 1, position=2), seat("early", 1, position=1)])
    assert chosen(selection) == {"u1": "early", "u2": "late"}


def test_w5_who_registered_after_the_selection_time_is_counted_and_does_not_wait():
    fans = [
        fan("u1", 0.9, ["a"], registered=NOON + HOUR),
        fan("u2", 0.8, ["a"]),
        fan("u3", 0.7, ["other"]),
    ]
    selection = select(frame(fans), [seat("a", 5)])
    assert chosen(selection) == {"u2": "a"}
    assert selection.waitlist.height == 0
    assert selection.excluded == {Exclusion.NO_MARKET_WANTED: 1, Exclusion.REGISTERED_TOO_LATE: 1}


def test_w7_the_members_digest_is_the_hash_of_sorted_lines():
    fans = [fan("é", 0.9, ["a"]), fan("z", 0.8, ["b"])]
    selection = select(frame(fans), [seat("a", 1), seat("b", 1, 1)])
    assert selection.members_digest == hashlib.sha256("z\tb\né\ta\n".encode()).hexdigest()


def test_w7_a_wave_of_nobody_has_no_members_and_the_digest_of_nothing():
    selection = select(frame([]), [seat("a", 1)])
    assert (selection.members.height, selection.waitlist.height, selection.candidates) == (0, 0, 0)
    assert selection.members_digest == hashlib.sha256(b"").hexdigest()


def test_w5_without_markets_nobody_is_a_candidate():
    selection = select(frame([fan("u1", 0.9), fan("u2", 0.8, ["a"])]), [])
    assert (selection.candidates, selection.excluded[Exclusion.NO_MARKET_WANTED]) == (0, 2)


def test_w5_a_single_market_that_is_not_in_the_wave_is_refused():
    with pytest.raises(UnknownMarket, match="'x'"):
        select(frame([]), [seat("a", 1)], order=Order.SINGLE_MARKET, single_market="x")
