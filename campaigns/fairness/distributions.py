"""How likely chance alone is to do this: the few distributions that the fairness report needs.
[X-3]

Written out here, for numpy has none of them and a library of statistics would be a heavy guest for
three functions.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

CLOSE = 1e-15
MOST_TERMS = 10_000
# beyond this, and a few more for rare events, lies less than 1e-25 of a hypergeometric distribution
FAR_DEVIATIONS = 12.0
FAR_EVENTS = 100


def chi_square_p(statistic: float, freedom: int) -> float:
    """The chance that a chi-square of so many degrees of freedom is `statistic` or more. Raises
    ValueError below one degree.
    """
    if freedom < 1:
        raise ValueError(f"A chi-square has one degree of freedom or more, not {freedom}.")
    if statistic <= 0:
        return 1.0
    shape, x = freedom / 2, statistic / 2
    return 1 - _gamma_below(shape, x) if x < shape + 1 else _gamma_above(shape, x)


def _gamma_below(shape: float, x: float) -> float:
    """The regularised lower incomplete gamma function by its power series, which is quick where x
    is small.
    """
    term = total = 1 / shape
    for step in range(1, MOST_TERMS):
        term *= x / (shape + step)
        total += term
        if term < total * CLOSE:
            break
    return total * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def _gamma_above(shape: float, x: float) -> float:
    """The regularised upper incomplete gamma function by its continued fraction (Lentz's way),
    quick where x is large.
    """
    b = x + 1 - shape
    c, d = math.inf, 1 / b
    fraction = d
    for step in range(1, MOST_TERMS):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        fraction *= c * d
        if abs(c * d - 1) < CLOSE:
            break
    return fraction * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def kolmogorov_p(distance: float, size: int) -> float:
    """The chance of `size` uniform draws to lie at least `distance` from the straight line at some
    place (Kolmogorov–Smirnov).

    The limit for many draws, with Stephens's correction for few: good to a hundredth of itself from
    about 20 draws.
    """
    root = math.sqrt(size)
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled <= 0:
        return 1.0
    if scaled < 1.18:  # the two series are the same function; each is quick on its own side
        terms = sum(
            math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * scaled**2)) for k in range(1, 5)
        )
        return 1 - math.sqrt(2 * math.pi) / scaled * terms
    return min(
        1.0,
        2 * math.fsum((1 if k % 2 else -1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 8)),
    )


def hypergeometric(total: int, marked: int, taken: int) -> tuple[int, npt.NDArray[np.float64]]:
    """How many of `marked` fans are among `taken` of `total` taken by chance: the first count, and
    the chance of it and of each that follows. Counts so far from the mean that no double can tell
    them from never are left out.
    """
    least, most = max(0, taken + marked - total), min(marked, taken)
    share = taken / total if total else 0.0
    mean = marked * share
    variance = mean * (1 - share) * (total - marked) / max(total - 1, 1)
    reach = FAR_DEVIATIONS * math.sqrt(variance) + FAR_EVENTS
    low, high = max(least, math.floor(mean - reach)), min(most, math.ceil(mean + reach))
    count = np.arange(low, high, dtype=np.float64)
    ratios = (
        (marked - count) * (taken - count) / ((count + 1) * (total - marked - taken + count + 1))
    )
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    chances = np.exp(logs - logs.max())
    return low, chances / chances.sum()


def normal_quantile(chance: float) -> float:
    """The z below which a normal value lies with this chance, by halving: exact to a double's last
    places.
    """
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        below = 0.5 * math.erfc(-middle / math.sqrt(2))
        low, high = (middle, high) if below < chance else (low, middle)
    return (low + high) / 2


def log_binomial(of: int, chosen: int) -> float:
    """The logarithm of the number of ways to choose so many of a number of things."""
    return math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)
