"""What the steps after scoring say about a campaign. Campaigns know no waves: what has to be asked
before a campaign closes or its capacities shrink is registered here, and asked under the campaign's
lock. [C-2, W-5]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User


@dataclass(frozen=True)
class LaterStep:
    """`unfinished`: a campaign's key → one sentence about what is left to do, empty if nothing is.
    `seats_given`: a campaign's key → seats given in each market, by the market's key.
    `campaign_edited`: called after a campaign is edited, with its key and by whom; what the editor
    is told. [X-5] `market_users`: a market's key → what of theirs names it, in words.
    """

    unfinished: Callable[[int], str]
    seats_given: Callable[[int], Mapping[int, int]]
    campaign_edited: Callable[[int, User | None], Sequence[str]]
    market_users: Callable[[int], Sequence[str]]


_steps: list[LaterStep] = []


def register(step: LaterStep) -> None:
    """Called once for each, when the apps are ready."""
    _steps.append(step)


def unfinished(campaign_pk: int) -> str:
    """What is left to do before the campaign can close; empty if nothing is. [C-2]"""
    return next((found for step in _steps if (found := step.unfinished(campaign_pk))), "")


def seats_given(campaign_pk: int) -> Mapping[int, int]:
    """Seats given so far, by the market's key; markets without any are left out. [W-5]"""
    given: dict[int, int] = {}
    for step in _steps:
        for market, seats in step.seats_given(campaign_pk).items():
            given[market] = given.get(market, 0) + seats
    return given


def campaign_edited(campaign_pk: int, *, by: User | None) -> list[str]:
    """What the edit of a campaign, locked by the caller, does to the later steps. Call it in the
    transaction of the edit. [X-5]
    """
    return [said for step in _steps for said in step.campaign_edited(campaign_pk, by)]


def market_users(market_pk: int) -> list[str]:
    """What of the later steps names the market, in words: `wave tour_20260120`, `2 templates`."""
    return [user for step in _steps for user in step.market_users(market_pk)]
