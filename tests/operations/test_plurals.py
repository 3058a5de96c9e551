"""A number and its noun, as people read them."""

from __future__ import annotations

import pytest

from operations.plurals import plural


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 waves"), (1, "1 wave"), (2, "2 waves"), (2_000, "2,000 waves")]
)
def test_one_is_singular_and_every_other_number_plural(count, said):
    assert plural(count, "wave") == said


def test_a_noun_can_have_a_plural_of_its_own():
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(3, "entry", "entries") == "3 entries"
