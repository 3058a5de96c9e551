"""Pictures of a fairness report: every number stands in words too, nothing leaves the frame.
[X-3]
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.fairness.verdict import GroupTest, LuckTest
from console.charts.fairness import (
    figures,
    groups,
    histogram,
    luck,
    luck_figures,
    nice,
    shown_p,
)

PERCENT = re.compile(r'(?:x|x1|x2|width)="(-?[\d.]+)%"')
GROUP: GroupTest = {
    "by": "domain",
    "name": "mail.example",
    "fans": 500,
    "selected": 60,
    "expected": 50.0,
    "z": 1.5,
    "low": 38,
    "high": 63,
    "least": 28,
    "most": 74,
    "p": 0.13,
    "corrected_p": 1.0,
    "verdict": "fair",
}


def luck_of(cells: list[int]) -> LuckTest:
    values = {
        "chi_square": 1.0,
        "chi_square_p": 0.5,
        "distance": 0.1,
        "distance_p": 0.5,
        "corrected_p": 1.0,
    }
    return {"band": "mid", "fans": sum(cells), "cells": cells, "verdict": "fair", **values}  # type: ignore[typeddict-item]


def table_of(scores: list[int]) -> str:
    return histogram(
        scores, tallest=max(scores), ident="raw", title="Raw scores", meaning="Fans by raw score."
    )


def test_a_histogram_says_what_it_is_and_holds_its_numbers_as_a_table():
    drawn = table_of([0, 1234, 5] + [0] * 75)
    assert (
        '<title id="raw-title">Raw scores</title><desc id="raw-meaning">Fans by raw score.</desc>'
        in drawn
    )
    assert 'aria-labelledby="raw-title raw-meaning"' in drawn
    assert '<th scope="row">0.23–0.24</th><td class="fw-number">1,234</td>' in drawn


def test_a_bin_with_a_single_fan_is_seen_and_an_empty_one_is_not():
    drawn = table_of([0, 1_000_000, 1] + [0] * 75)
    assert drawn.count('class="fw-bar"') == 2
    assert 'height="1.0" class="fw-bar"' in drawn


@given(st.lists(st.integers(0, 10_000), min_size=32, max_size=32))
def test_luck_of_any_counts_is_drawn_within_its_frame(cells):
    drawn = luck(luck_of(cells), ident="luck-mid")
    assert all(0 <= float(number) <= 100 for number in PERCENT.findall(drawn))
    tops = [
        (float(y), float(height))
        for y, height in re.findall(r'y="([\d.]+)" height="([\d.]+)" class="fw-bar"', drawn)
    ]
    assert len(tops) == 32
    assert all(y >= 0 and y + height <= 130.51 for y, height in tops)


@given(st.integers(0, 500), st.sampled_from(["fair", "look", "none"]))
def test_a_group_is_drawn_within_its_cell_however_far_it_lies(selected, verdict):
    drawn = groups(
        [GROUP | {"selected": selected, "verdict": verdict}, GROUP],
        title="Domains",
        naming="Domain",
    )
    assert all(0 <= float(number) <= 100 for number in PERCENT.findall(drawn))


@pytest.mark.parametrize(
    ("verdict", "shape", "word"),
    [
        ("fair", "fw-dot-fair", "fair"),
        ("look", "fw-found", "look for a fault"),
        ("none", "fw-dot-none", "too few fans"),
    ],
)
def test_a_verdict_is_a_shape_and_a_word_not_only_a_colour(verdict, shape, word):
    drawn = groups([GROUP | {"verdict": verdict}], title="Domains", naming="Domain")
    assert shape in drawn
    assert f">{word}</span>" in drawn
    assert f"mail.example: 60 selected, 50.0 expected, {word}" in drawn


def test_the_numbers_of_a_group_stand_apart_from_its_picture():
    picture, numbers = (
        drawn([GROUP], title="Domains", naming="Domain") for drawn in (groups, figures)
    )
    assert "28–74" not in picture
    assert "<svg" not in numbers
    for number in ("500", "60", "50.0", "38–63", "28–74", "1.00"):
        assert f'<td class="fw-number">{number}</td>' in numbers


def test_a_band_that_was_not_tested_has_no_p():
    numbers = luck_figures([luck_of([9] * 32) | {"verdict": "none"}])
    assert numbers.count('<td class="fw-number">–</td>') == 3


def test_a_group_of_which_nobody_can_be_selected_has_no_picture():
    nobody = GROUP | {
        "selected": 0,
        "expected": 0.0,
        "low": 0,
        "high": 0,
        "least": 0,
        "most": 0,
        "verdict": "none",
    }
    assert "fw-dot" not in groups([nobody], title="Domains", naming="Domain")


def test_names_from_a_file_are_text_not_markup():
    assert "<b>" not in groups([GROUP | {"name": "<b>.example"}], title="Domains", naming="Domain")


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0.3, 0.2), (1, 1), (4.9, 2), (5, 5), (99, 50), (1234, 1000), (0, 0), (-3, 0)],
)
def test_nice_numbers_are_one_two_and_five(number, expected):
    assert nice(number) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "shown"), [(1.0, "1.00"), (0.0421, "0.04"), (0.00421, "0.0042"), (1e-30, "< 0.0001")]
)
def test_chances_are_as_long_as_they_need_to_be(p, shown):
    assert shown_p(p) == shown
