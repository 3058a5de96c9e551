"""Exclusions that follow luck are found by the checker, and honest ones are not. [S-10]"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from campaigns.draw import draw_frame
from console.proof import verify_draw
from tests.console.proof.bundle_cases import DRAW, MARKETS, Case, case, fans
from waves.choices import Order

COUNT = 1_200
BOTH = (Order.BY_PREFERENCE, Order.BY_PREFERENCE)


def drawn() -> pl.DataFrame:
    return draw_frame(fans(COUNT), DRAW)


def verified(made: Case, folder: Path) -> dict[str, Any]:
    made.write(folder / "b.zip")
    options = verify_draw.options_of([str(folder / "b.zip")])
    return verify_draw.check(str(folder / "b.zip"), options).as_json()


def left_out(chance: Any, reason: str = "no_contact") -> dict[int, str]:
    """Rows of all bands for this reason, with a `chance` that may depend on luck in the band."""
    dice = random.Random(3)
    rows = drawn().select("band_score").to_series()
    return {
        row: reason
        for row, score in enumerate(rows)
        if dice.random() < chance(verify_draw.luck_in_band(score, score))
    }


@pytest.mark.parametrize("reason", ["no_contact", "not_registered", "blacklisted_email"])
def test_s10_left_out_by_chance_is_even_and_tested_in_every_band(
    tmp_path: Path, reason: str
) -> None:
    found = verified(case(drawn=drawn(), left_out=left_out(lambda luck: 0.4, reason)), tmp_path)
    assert (found["problems"], found["unusual"]) == ([], [])
    tested = {
        test["band"]
        for test in found["luck_tests"]
        if test["reason"] == reason and test["p"] is not None
    }
    assert tested == {"high", "mid", "low"}


def test_s10_left_out_for_luck_is_found(tmp_path: Path) -> None:
    """Rivals with good luck are said to have no contact."""
    rivals = left_out(lambda luck: 0.5 if luck > 0.6 else 0.1)
    found = verified(case(drawn=drawn(), left_out=rivals), tmp_path)
    assert any("left out as no_contact have uneven luck" in each for each in found["problems"])


def test_s10_a_suspicion_is_shown_as_unusual_and_fails_nothing(tmp_path: Path) -> None:
    """Between one in a thousand and one in a million, after correction."""
    rivals = left_out(lambda luck: 0.55 if luck > 0.5 else 0.3)
    found = verified(case(drawn=drawn(), left_out=rivals), tmp_path)
    assert found["problems"] == []
    assert len(found["unusual"]) == 1


def test_s10_everybody_with_good_luck_said_to_be_no_candidate_is_found(tmp_path: Path) -> None:
    found = verified(case(drawn=drawn(), left_out=left_out(lambda luck: luck > 0.5)), tmp_path)
    assert any("uneven luck" in each for each in found["problems"])


def test_s10_who_was_not_selected_earlier_is_measured_against_that_waves_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contacts that are lost between two waves are those of fans whom the first did not take: their
    luck is worse than others', and yet nobody looked at it.
    """
    made = case(
        drawn=drawn(),
        capacities=(250, 250, 250),
        orders=BOTH,
        left_out=left_out(lambda luck: 0.6),
        left_out_from=2,
    )
    found = verified(made, tmp_path)
    assert (found["problems"], found["unusual"]) == ([], [])
    asked = {test["reason"] for test in found["luck_tests"] if test["p"] is not None}
    assert asked == {"below_minimum_score", "no_contact"}
    monkeypatch.setattr(verify_draw.Taken, "between", lambda self, row: (0.0, 1.0))
    assert any("uneven luck" in each for each in verified(made, tmp_path)["problems"])


@pytest.mark.parametrize(
    ("capacities", "even"),
    [((60, 60, 60), True), ((60, 60, 60), False), ((60, 60, 900), True), ((90, 90, 0), True)],
)
def test_s10_members_who_would_come_again_are_measured_from_their_waves_cut_off_on(
    tmp_path: Path, capacities: tuple[int, ...], even: bool
) -> None:
    """A wave that reassigns leaves out members whose contact was lost: all of them had good luck,
    but among themselves it is even, or the luckiest were picked. A market that was not full took
    anybody, one without seats nobody.
    """
    made = case(drawn=drawn(), capacities=capacities, orders=BOTH)
    first, second = made.page["waves"]
    first["triggered_at"], second["reassign"] = first["prepared_at"], True
    cells, held = made.cells[second["date_key"]], "!already_in_wave"
    rows = [row for row, cell in enumerate(cells) if cell == held]
    rows.sort(key=lambda row: made.drawn["band_score"][row])
    lost = rows[::2] if even else rows[len(rows) // 2 :]
    for row in lost:
        cells[row] = "!no_contact"
    second["excluded"] |= {"already_in_wave": len(rows) - len(lost), "no_contact": len(lost)}
    problems = verified(made, tmp_path)["problems"]
    assert [each for each in problems if "no_contact have uneven luck" in each] == problems
    assert bool(problems) != even


def test_s10_n8_suppression_may_follow_from_luck_once_a_wave_was_sent(tmp_path: Path) -> None:
    """Who gets a message can reply to stop them: before the first trigger nobody can."""
    unlucky = left_out(lambda luck: 0.5 if luck > 0.6 else 0.1, "suppressed")
    alone = verified(case(drawn=drawn(), left_out=unlucky), tmp_path)
    assert any("left out as suppressed have uneven luck" in each for each in alone["problems"])
    later = case(drawn=drawn(), orders=BOTH, left_out=unlucky, left_out_from=2)
    first, second = later.page["waves"]
    first["triggered_at"] = second["prepared_at"]
    found = verified(later, tmp_path)
    assert (found["problems"], found["unusual"]) == ([], [])
    assert any("suppressed" in each["why"] for each in found["unchecked"])


def test_s10_small_groups_and_those_that_follow_from_luck_are_counted_as_untested(
    tmp_path: Path,
) -> None:
    few = dict.fromkeys(range(30), "no_contact")
    found = verified(case(drawn=drawn(), orders=BOTH, left_out=few), tmp_path)
    untested = [each["why"] for each in found["unchecked"] if "not tested" in each["why"]]
    assert len(untested) == 1
    assert "12 already_in_wave" in untested[0]
    assert "no_contact" in untested[0]


def test_s10_a_market_that_nobody_asked_for_leaves_out_whoever_asked_for_others(
    tmp_path: Path,
) -> None:
    found = verified(case(drawn=drawn(), orders=(*BOTH, Order.SINGLE_MARKET)), tmp_path)
    assert found["problems"] == []
    assert sum(test["reason"] == "no_market_wanted" for test in found["luck_tests"]) == 3
    assert MARKETS[0] == "us-west"


def exact(fans_: int, distance: float) -> float:
    """Marsaglia, Tsang and Wang (2003): the exact two-sided p, by powers of a matrix."""
    k = int(fans_ * distance) + 1
    size, h = 2 * k - 1, k - fans_ * distance
    matrix = np.array([[float(i - j + 1 >= 0) for j in range(size)] for i in range(size)])
    for i in range(size):
        matrix[i, 0] -= h ** (i + 1)
        matrix[size - 1, i] -= h ** (size - i)
    matrix[size - 1, 0] += max(2 * h - 1, 0) ** size
    for i in range(size):
        for j in range(size):
            if i - j + 1 > 0:
                for g in range(1, i - j + 2):
                    matrix[i, j] /= g
    power = matrix
    for _ in range(fans_ - 1):
        power = power @ matrix
    chance = power[k - 1, k - 1]
    for i in range(1, fans_ + 1):
        chance = chance * i / fans_
    return float(1 - chance)


@pytest.mark.parametrize("fans_", [50, 80])
@pytest.mark.parametrize("reach", [0.6, 1.0, 1.5, 1.75, 2.3])
def test_s10_the_p_value_is_that_of_kolmogorov_and_smirnov(fans_: int, reach: float) -> None:
    """Against the exact matrix method: where something is decided, to a part in a million."""
    distance = reach / fans_**0.5
    due, found = exact(fans_, distance), verify_draw.p_value(fans_, distance)
    near = {"rel": 1e-6} if due < 0.0095 else {"abs": 0.015}
    assert found == pytest.approx(due, **near)
