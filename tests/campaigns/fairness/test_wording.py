"""A fairness report says in one sentence what a press officer may say. [X-3]"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from campaigns.fairness.verdict import CELLS, Findings, Group, judge
from campaigns.fairness.wording import sentence
from tests.campaigns.fairness.rigged_draws import drawn, findings, population


def found(groups: list[dict[str, Any]], lucks: tuple[str, ...] = ()) -> Findings:
    """A red report in which these groups and bands were found."""
    tests = [{"verdict": "look", "corrected_p": 0.001, "expected": 5, **one} for one in groups]
    luck = [
        {"band": band, "verdict": "look" if band in lucks else "fair"}
        for band in ("all", "high", "mid", "low")
    ]
    number = len(groups) + 2 * len(lucks)
    return {"verdict": "look", "tests": 57, "found": number, "luck": luck, "groups": tests}  # type: ignore[typeddict-item]


def test_x3_a_fair_draw_treated_all_fans_alike():
    text = sentence(findings(drawn(population(2000), 1), places=300))
    assert text.startswith("The draw treated all fans alike: luck was spread evenly, and no ")
    assert "was selected more or less often than chance allows (" in text


def test_x3_only_what_was_tested_is_said_to_be_even():
    group = Group("domain", "a.example", {"low": 80}, {"low": 40})
    other = Group("domain", "b.example", {"low": 80}, {"low": 40})
    report = judge({"low": np.zeros(CELLS, dtype=np.int64)}, [group, other])
    assert sentence(report) == (
        "The draw treated all fans alike: no e-mail domain was selected more or less often than"
        " chance allows (2 tests)."
    )


def test_x3_too_few_fans_are_no_verdict():
    report = judge({"low": np.zeros(CELLS, dtype=np.int64)}, [])
    assert (
        sentence(report)
        == "There are too few fans to tell whether the draw treated all fans alike."
    )


def test_x3_a_red_report_asks_for_the_fault_before_anything_is_published():
    every_fan = np.zeros(CELLS, dtype=np.int64)
    every_fan[0] = 1000
    assert sentence(judge({"high": every_fan}, [])) == (
        "Look for a fault before you publish: luck was not spread evenly in the high band"
        " (4 of 4 tests found what chance hardly ever does)."
    )


@pytest.mark.parametrize(
    ("by", "name", "selected", "said"),
    [
        ("domain", "mail.example", 9, "fans with addresses at mail.example were selected more"),
        ("domain", "no address", 1, "fans without an e-mail address were selected less"),
        ("country", "CA", 9, "fans in CA were selected more"),
        ("position", "2–151", 9, "fans in lines 2–151 of the file were selected more"),
        ("time", "not registered", 9, "fans who never registered were selected more"),
    ],
)
def test_x3_the_group_that_was_found_is_named_with_its_direction(by, name, selected, said):
    report = found([{"by": by, "name": name, "selected": selected}])
    assert sentence(report) == (
        f"Look for a fault before you publish: {said} often than chance allows"
        " (1 of 57 tests found what chance hardly ever does)."
    )


def test_x3_the_least_likely_findings_are_named_and_the_rest_is_counted():
    groups = [
        {"by": "country", "name": name, "selected": 9, "corrected_p": p}
        for name, p in (("US", 0.004), ("CA", 0.001), ("MX", 0.003), ("GB", 0.002))
    ]
    text = sentence(found(groups, lucks=("mid", "low")))
    assert "luck was not spread evenly in the mid and low bands, fans in CA were" in text
    assert "fans in GB were selected more often than chance allows, and so were" not in text
    assert text.endswith(
        "and 2 other groups stand out (8 of 57 tests found what chance hardly ever does)."
    )
