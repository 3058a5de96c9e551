"""The order of a campaign's markets: places number themselves. Pure. [C-3]"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A market's place as it is typed, None where the box is empty; and as it was before, None for
    a new market.
    """

    typed: int | None
    before: int | None

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def is_moved(self) -> bool:
        return self.typed != self.before


def numbered(places: Sequence[Place], *, keep_gaps: bool) -> list[int]:
    """The number of each market, from 0 without gaps and doubles, in the order shown: by the typed
    places, and by rows where two are the same. What was moved to a taken place takes it. An empty
    place is after all others.

    With `keep_gaps` nothing is renumbered while no place is typed anew; new markets come last.
    """
    if keep_gaps and not any(place.is_moved and not _is_next(place) for place in places):
        return _with_the_next(places)
    numbers = [0] * len(places)
    order = sorted(range(len(places)), key=lambda index: (*_rank(places[index]), index))
    for number, index in enumerate(order):
        numbers[index] = number
    return numbers


def _is_next(place: Place) -> bool:
    return place.is_new and place.typed is None


def _with_the_next(places: Sequence[Place]) -> list[int]:
    last = max((place.before for place in places if place.before is not None), default=-1)
    numbers = []
    for place in places:
        last += place.is_new
        numbers.append(last if place.before is None else place.before)
    return numbers


def _rank(place: Place) -> tuple[float, int]:
    if place.typed is None:
        return float("inf"), 0
    if place.before is None or place.typed < place.before:
        return place.typed, 0
    return place.typed, 1 if place.typed == place.before else 2
