"""Places of markets number themselves. [C-3]"""

from __future__ import annotations

import pytest

from campaigns.markets.order import Place, numbered


def places(*pairs: tuple[int | None, int | None]) -> list[Place]:
    return [Place(typed, before) for typed, before in pairs]


@pytest.mark.parametrize(
    ("typed_and_before", "numbers"),
    [
        ([], []),
        ([(None, None), (None, None)], [0, 1]),
        ([(0, 0), (1, 1), (None, None)], [0, 1, 2]),
        ([(0, 0), (5, 5), (7, 7)], [0, 1, 2]),
        ([(3, 3), (3, 3), (0, 0)], [1, 2, 0]),
        ([(0, 0), (1, 1), (0, 2)], [1, 2, 0]),
        ([(1, 0), (1, 1), (2, 2)], [1, 0, 2]),
        ([(None, 0), (1, 1), (2, 2)], [2, 0, 1]),
        ([(0, 0), (1, 1), (0, None)], [1, 2, 0]),
    ],
    ids=[
        *("none", "new ones in the order of their rows", "a new one is next"),
        *("gaps close", "doubles part in the order of their rows", "moved up to a taken place"),
        *("moved down to a taken place", "emptied: after the others", "a new one goes between"),
    ],
)
def test_places_have_neither_gaps_nor_doubles_and_follow_what_was_typed(typed_and_before, numbers):
    assert numbered(places(*typed_and_before), keep_gaps=False) == numbers


def test_where_gaps_are_kept_nothing_moves_until_a_place_is_typed():
    assert numbered(places((2, 2), (5, 5), (None, None)), keep_gaps=True) == [2, 5, 6]
    assert numbered(places((5, 5), (5, 5)), keep_gaps=True) == [5, 5]
    assert numbered(places((2, 2), (0, 5), (None, None)), keep_gaps=True) == [1, 0, 2]
