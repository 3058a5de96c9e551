"""The distributions agree with printed tables and with counting by hand. [X-3]"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.fairness.distributions import (
    chi_square_p,
    hypergeometric,
    kolmogorov_p,
    normal_quantile,
)


@pytest.mark.parametrize(
    ("statistic", "freedom", "p"),
    [
        (3.841459, 1, 0.05),
        (6.634897, 1, 0.01),
        (18.307038, 10, 0.05),
        (2.558212, 10, 0.99),
        (44.985343, 31, 0.05),
        (52.191395, 31, 0.01),
        (19.280569, 31, 0.95),
        (124.342113, 100, 0.05),
        (149.449253, 100, 0.001),
    ],
)
def test_chi_square_is_that_of_the_tables(statistic, freedom, p):
    assert chi_square_p(statistic, freedom) == pytest.approx(p, rel=2e-6)


@given(st.floats(1e-6, 400), st.integers(1, 40))
def test_chi_square_of_an_even_number_of_degrees_is_a_sum_of_poisson_chances(statistic, half):
    terms = [
        math.exp(-statistic / 2 + k * math.log(statistic / 2) - math.lgamma(k + 1))
        for k in range(half)
    ]
    assert chi_square_p(statistic, 2 * half) == pytest.approx(math.fsum(terms), rel=1e-9, abs=1e-13)


def test_a_chi_square_without_freedom_is_refused():
    with pytest.raises(ValueError, match="one degree of freedom or more"):
        chi_square_p(1.0, 0)


@pytest.mark.parametrize(
    ("scaled", "p"),
    [(0.5, 0.963945), (1.2238, 0.100006), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001)],
)
def test_kolmogorovs_limit_is_that_of_the_tables(scaled, p):
    assert kolmogorov_p(scaled / 1e6, 10**12) == pytest.approx(p, rel=1e-3)


@pytest.mark.parametrize(
    ("size", "distance", "p"),
    [(20, 0.29407, 0.05), (20, 0.35240, 0.01), (40, 0.21012, 0.05), (100, 0.13403, 0.05)],
)
def test_kolmogorov_for_few_draws_is_that_of_the_exact_tables(size, distance, p):
    assert kolmogorov_p(distance, size) == pytest.approx(p, rel=0.03)


def test_both_series_of_kolmogorov_meet_and_the_ends_are_certain():
    assert kolmogorov_p(1.1799999e-6, 10**12) == pytest.approx(
        kolmogorov_p(1.1800001e-6, 10**12), rel=1e-5
    )
    assert kolmogorov_p(0.0, 50) == 1.0
    assert kolmogorov_p(1.0, 50) < 1e-40


@given(st.integers(1, 60), st.data())
def test_a_hypergeometric_distribution_is_what_counting_hands_of_cards_gives(total, data):
    marked, taken = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    first, chances = hypergeometric(total, marked, taken)
    hands = [
        Fraction(
            math.comb(marked, k) * math.comb(total - marked, taken - k), math.comb(total, taken)
        )
        for k in range(first, first + len(chances))
    ]
    assert sum(hands) == 1
    assert chances == pytest.approx([float(hand) for hand in hands], rel=1e-9)


def test_a_hypergeometric_distribution_of_ten_million_is_exact_in_mean_and_spread_and_short():
    total, marked, taken = 10_000_000, 4_500_000, 900_000
    first, chances = hypergeometric(total, marked, taken)
    counts = first + np.arange(len(chances))
    mean, share = marked * taken / total, taken / total
    variance = mean * (1 - share) * (total - marked) / (total - 1)
    assert (counts @ chances) == pytest.approx(mean, rel=1e-12)
    assert ((counts - mean) ** 2 @ chances) == pytest.approx(variance, rel=1e-6)
    assert len(chances) < 20_000


@pytest.mark.parametrize(
    ("chance", "z"), [(0.5, 0.0), (0.975, 1.959964), (0.995, 2.575829), (0.025, -1.959964)]
)
def test_normal_quantiles_are_those_of_the_tables(chance, z):
    assert normal_quantile(chance) == pytest.approx(z, abs=1e-6)
