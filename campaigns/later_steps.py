"""What the steps after scoring say about a campaign. Campaigns know no waves: what has to be asked
before a campaign closes or its capacities shrink is registered here, and asked under the campaign's
lock. [C-2, W-5]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LaterStep:
    """`unfinished`: a campaign's key → one sentence about what is left to do, empty if nothing is.
    `seats_given`: a campaign's key → seats given in each market, by the market's key.
    """

    unfinished: Callable[[int], str]
    seats_given: Callable[[int], Mapping[int, int]]


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
