"""Groups of fans, the places of a draw, and its bins. [X-3]"""

from __future__ import annotations

import pytest

from campaigns.fairness.groups import bin_of_place, places

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("capacity", "accepted", "expected"),
    [
        (100, 900, (100, "capacity")),
        (0, 900, (450, "half")),
        (900, 900, (450, "half")),
        (5, 0, (0, "half")),
    ],
)
def test_x3_as_many_are_selected_as_there_are_seats_or_half_where_seats_part_nobody(
    capacity, accepted, expected
):
    assert places(capacity, accepted) == expected


def test_x3_the_bin_of_a_place_is_found_from_above():
    counts = [(30, 5), (99, 2), (95, 3)]
    assert [bin_of_place(counts, place) for place in (1, 2, 3, 5, 6, 10)] == [
        (99, 0),
        (99, 1),
        (95, 0),
        (95, 2),
        (30, 0),
        (30, 4),
    ]
    with pytest.raises(ValueError, match="no place 11"):
        bin_of_place(counts, 11)
