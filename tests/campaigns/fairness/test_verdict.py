"""Fair draws look fair, as often as is promised; bent ones are found. [X-3]"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.fairness.distributions import kolmogorov_p
from campaigns.fairness.verdict import (
    CELLS,
    LEVEL,
    SHOWN_CELLS,
    Findings,
    Group,
    holm,
    judge,
)
from tests.campaigns.fairness.rigged_draws import drawn, findings, population, rigged

FULL = bool(os.environ.get("FAIRWAVE_FULL"))
DRAWS = 2000 if FULL else 200
few = settings(max_examples=500 if FULL else 25)
BANDS = ("high", "mid", "low")
# one worker simulates the draws, once
pytestmark = pytest.mark.xdist_group("simulated draws")


@pytest.fixture(scope="module")
def simulated() -> list[Findings]:
    """One population, drawn again and again by campaigns.draw, each time with another seed."""
    fans = population(2000)
    return [findings(drawn(fans, number), places=300) for number in range(DRAWS)]


def uniform(ps: Sequence[float]) -> float:
    """The p-value of p-values being uniform, by Kolmogorov and Smirnov."""
    ordered, line = np.sort(ps), np.arange(len(ps) + 1) / len(ps)
    return kolmogorov_p(
        float(max(np.max(line[1:] - ordered), np.max(ordered - line[:-1]))), len(ps)
    )


@pytest.mark.parametrize("band", ["all", *BANDS])
@pytest.mark.parametrize("test", ["chi_square_p", "distance_p"])
def test_x3_p_values_of_simulated_draws_are_uniform(simulated, band, test):
    ps = [one[test] for report in simulated for one in report["luck"] if one["band"] == band]
    assert len(ps) == DRAWS
    assert uniform(ps) > 0.001


@pytest.mark.parametrize("name", ["gmail.com", "yahoo.com", "outlook.com", "web.de"])
def test_x3_where_a_group_stands_among_fair_draws_is_uniform(simulated, name):
    """Counts are whole numbers, so their p is spread evenly over what lies between it and the next
    before it is judged.
    """
    rng = np.random.default_rng(5)
    ps = []
    for report in simulated:
        (group,) = [one for one in report["groups"] if one["name"] == name]
        ps.append(_spread_p(group, rng.random()))
    assert uniform(ps) > 0.001


def _spread_p(group, chance: float) -> float:
    """The normal approximation with the count spread over a unit: good enough for large groups, and
    not the product's way.
    """
    z_of_one = group["z"] / (group["selected"] - group["expected"])
    z = (group["selected"] - group["expected"] + chance - 0.5) * z_of_one
    return math.erfc(-z / math.sqrt(2)) / 2


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2, 0.5])
def test_x3_a_groups_p_is_never_smaller_than_it_should_be(simulated, level):
    ps = [one["p"] for report in simulated for one in report["groups"] if one["verdict"] != "none"]
    # the groups of one draw depend on each other, so each draw counts but once
    spread = 4 * (level / DRAWS) ** 0.5
    assert level / 3 - spread < np.mean(np.array(ps) <= level) < level + spread


def test_x3_of_a_hundred_fair_draws_about_one_is_called_unfair(simulated):
    red = sum(report["verdict"] == "look" for report in simulated)
    assert red <= DRAWS * LEVEL + 3 * (DRAWS * LEVEL) ** 0.5


def test_x3_luck_that_is_squared_is_found():
    report = findings(rigged(population(4000), lambda fans, u: u**2), places=900)
    assert report["verdict"] == "look"
    assert all(one["verdict"] == "look" for one in report["luck"])


def test_x3_luck_that_favours_one_domain_is_found_and_named():
    report = findings(
        rigged(population(4000), lambda fans, u: np.where(fans["domain"] == "web.de", u**0.25, u)),
        places=400,
    )
    assert report["verdict"] == "look"
    assert {one["name"] for one in report["groups"] if one["verdict"] == "look"} == {"web.de"}


def test_x3_luck_that_grows_with_the_place_in_the_file_is_found():
    def later_is_luckier(fans, u):
        return (u + np.linspace(0, 1, len(u))) / 2

    report = findings(rigged(population(6000), later_is_luckier), places=600)
    slices = {one["name"]: one["verdict"] for one in report["groups"] if one["by"] == "slice"}
    assert slices["0"] == slices["19"] == "look"


def test_x3_better_raw_scores_are_no_unfairness():
    """Fans of gmail.com have better scores here, and are selected more often: expected, given the
    band.
    """
    report = findings(rigged(population(6000), lambda fans, u: u), places=600)
    (gmail,) = [one for one in report["groups"] if one["name"] == "gmail.com"]
    assert gmail["selected"] > 1.25 * 600 * gmail["fans"] / 6000
    assert report["verdict"] == "fair"


def counts(total: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, total), min_size=3, max_size=3)


@st.composite
def groups(draw) -> list[Group]:
    made = []
    for number in range(draw(st.integers(1, 6))):
        fans = draw(counts(400))
        selected = [draw(st.integers(0, each)) for each in fans]
        made.append(
            Group(
                "domain",
                str(number),
                dict(zip(BANDS, fans, strict=True)),
                dict(zip(BANDS, selected, strict=True)),
            )
        )
    return made


@few
@given(groups())
def test_x3_counts_add_up_and_what_is_expected_is_shared_out(made):
    tests = judge({}, made)["groups"]
    assert sum(one["fans"] for one in tests) == sum(sum(group.fans.values()) for group in made)
    assert sum(one["expected"] for one in tests) == pytest.approx(
        sum(one["selected"] for one in tests), abs=1e-6
    )
    assert all(0 <= one["p"] <= one["corrected_p"] <= 1 for one in tests)


@few
@given(groups())
def test_x3_a_finding_is_what_lies_outside_the_limits_and_the_usual_range_lies_within_them(made):
    for one in judge({}, made)["groups"]:
        outside = not one["least"] <= one["selected"] <= one["most"]
        assert one["least"] <= one["low"] <= one["high"] <= one["most"]
        assert (one["verdict"] == "look") == outside or one["verdict"] == "none"


@few
@given(st.lists(st.integers(0, 50), min_size=SHOWN_CELLS, max_size=SHOWN_CELLS))
def test_x3_cells_add_up_to_the_fans(cells):
    spread = np.repeat(np.array(cells), CELLS // SHOWN_CELLS)
    report = judge({"mid": spread}, [])
    everybody, _, mid, low = report["luck"]
    assert everybody["fans"] == mid["fans"] == sum(mid["cells"]) == spread.sum()
    assert low["verdict"] == "none"


@few
@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_corrects_upwards_keeps_the_order_and_multiplies_the_least_by_their_number(ps):
    corrected = holm(ps)
    assert all(p <= c <= 1 for p, c in zip(ps, corrected, strict=True))
    assert [c for _, c in sorted(zip(ps, corrected, strict=True))] == sorted(corrected)
    if ps:
        assert min(corrected) == min(1.0, len(ps) * min(ps))


def test_x3_few_fans_get_no_verdict():
    report = judge(
        {"low": np.zeros(CELLS, dtype=np.int64)}, [Group("domain", "a", {"low": 8}, {"low": 4})]
    )
    assert report["verdict"] == "none"
