"""Patterns run over whole columns of numbers find what `re` finds. [S-5]"""

from __future__ import annotations

import re
from random import Random

import numpy as np
import phonenumbers
import pytest
from phonenumbers import PhoneMetadata

from campaigns.contacts.phone_automaton import END, NOT_JUDGED, ODD, LazyAutomaton, Positions
from campaigns.contacts.phone_patterns import read_pattern


def matching(pattern: str, numbers: list[str]) -> list[bool]:
    """Which of the numbers the pattern matches as a whole, by one automaton."""

    def build(known: Positions):
        mark = known.mark()
        return known.first(read_pattern(pattern), frozenset((mark,))), lambda marks, _length: int(
            mark in marks
        )

    automaton = LazyAutomaton()
    symbols = np.array(
        [symbol for number in numbers for symbol in (*map(int, number), END)], np.uint8
    )
    lengths = np.array([len(number) for number in numbers], np.int32)
    at = np.cumsum(lengths + 1, dtype=np.int32) - lengths - 1
    starts = np.full(len(numbers), automaton.start("it", build), np.int32)
    return (automaton.judge(starts, symbols, at, lengths) > 0).tolist()


@pytest.mark.parametrize("region", ["AR", "AT", "CN", "DE", "GB", "ID", "IN", "US"])
def test_the_general_form_of_a_region_matches_as_in_re(region):
    pattern = PhoneMetadata.metadata_for_region(region, None).general_desc.national_number_pattern
    rng = Random(1)
    example = phonenumbers.national_significant_number(phonenumbers.example_number(region))
    numbers = ["".join(rng.choices("0123456789", k=rng.randrange(1, 18))) for _ in range(2_000)]
    numbers += [
        example[:n] + "".join(rng.choices("0123456789", k=rng.randrange(12)))
        for n in range(len(example))
        for _ in range(50)
    ]
    want = [re.fullmatch(pattern, number) is not None for number in numbers]
    assert matching(pattern, numbers) == want
    assert any(want)
    assert not all(want)


@pytest.mark.parametrize(
    "pattern", ["", "1", "12?3", "(?:1|23){2}", "[2-46]\\d{1,3}", "1(?:2(3|4)?)?", "0{0,2}1|00"]
)
def test_small_patterns_match_as_in_re(pattern):
    numbers = [str(n) for n in range(3_000)] + [f"{n:03d}" for n in range(200)]
    assert matching(pattern, numbers) == [
        re.fullmatch(pattern, number) is not None for number in numbers
    ]


def test_something_odd_in_a_number_is_not_judged():
    automaton = LazyAutomaton()
    start = automaton.start(
        "it", lambda known: (frozenset((known.mark(),)), lambda _marks, _length: 0)
    )
    symbols = np.array([1, ODD, 2, END], np.uint8)
    labels = automaton.judge(
        np.array([start], np.int32), symbols, np.array([0], np.int32), np.array([3], np.int32)
    )
    assert labels.tolist() == [NOT_JUDGED]
