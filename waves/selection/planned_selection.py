"""The selection that is made from a plan, or from each of several of one wave. [W-5, X-4]"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from campaigns.draw import Draw, in_order
from campaigns.opening import draw_of
from campaigns.scoring import rules
from campaigns.scoring.outcomes import Rules
from waves.choices import Exclusion
from waves.holds import NOBODY_RETURNS, code_holders, returning_fans
from waves.selection import candidates
from waves.selection.allocation import Selection, members_digest, select
from waves.selection.left_out import cancelled_that_told, of_those_left_out
from waves.selection.plan import Plan


@dataclass(frozen=True)
class PlannedSelection:
    """A plan, its candidates (whose `frame` has no `luck` any more), the selection made from them,
    who was not a candidate, by reason, and the minimum that applied: the largest of the bands', the
    campaign's and the wave's. `rules`: by which contacts were judged. `moved`: the fans whom the
    wave's own rules moved, where it has any.
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
    # its work is done, and what is kept of millions of fans is a tenth less without it
    kept = replace(gathered, frame=gathered.frame.drop("luck"))
    return PlannedSelection(plan, kept, selection, least_score, in_force)


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
