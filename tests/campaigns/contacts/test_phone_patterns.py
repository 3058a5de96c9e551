"""Patterns of numbering plans, run over columns, say what Python's `re` says. [S-5]"""

from __future__ import annotations

import pytest

from campaigns.contacts.phone_patterns import UnsupportedPattern, possible_lengths, read_pattern


@pytest.mark.parametrize(
    "pattern", ["1+", "1*", "(?=1)2", "(1)\\1", "1{2,}", "[^1]", "a", "1.", "(1", "1)", "1??", "^1"]
)
def test_what_plans_do_not_use_is_refused(pattern):
    with pytest.raises(UnsupportedPattern):
        read_pattern(pattern)


def test_lengths_tell_whether_the_number_must_end_there():
    assert possible_lengths(read_pattern("(2\\d{2,3})$|0|18?")) == {
        (3, True),
        (4, True),
        (1, False),
        (2, False),
    }
