"""Runs of consecutive phone numbers. [X-13]"""

from __future__ import annotations

import numpy as np
import polars as pl

from campaigns.fairness.suspicious.phone_runs import phone_runs


def frame(numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"line": range(2, len(numbers) + 2), "phone": numbers})


def by_chance(count: int, among: int) -> list[int]:
    drawn = np.random.default_rng(8).integers(0, among, count) + 12_065_550_000
    return [int(number) for number in drawn]


def test_x13_consecutive_numbers_are_a_group_with_all_who_have_them():
    stack = [14_155_550_100 + number for number in range(10)]
    (group,) = phone_runs(frame(by_chance(500, 10_000_000) + stack + stack[:1]))
    assert group.lines.tolist() == list(range(502, 513))
    assert group.about == {"numbers": 10}
    assert 0 < group.expected < 1


def test_x13_every_second_number_is_a_run_too():
    (group,) = phone_runs(frame([14_155_550_100 + 2 * number for number in range(30)]))
    assert (group.size, group.about) == (30, {"numbers": 59})


def test_x13_numbers_of_a_dense_block_are_no_run():
    """Of 20,000 numbers fans have more than half, ten and more of them in a row."""
    assert phone_runs(frame(by_chance(16_000, 20_000))) == []


def test_x13_a_familys_numbers_are_no_run():
    assert phone_runs(frame([14_155_550_100 + number for number in range(7)])) == []


def test_x13_no_numbers_are_no_run():
    assert phone_runs(frame([])) == []
