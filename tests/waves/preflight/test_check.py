"""One line of a pre-flight. [X-6]"""

from __future__ import annotations

from waves.preflight.check import Color, judged, red, yellow


def test_the_worst_problem_gives_the_color_and_stands_first():
    found = judged("Codes", [yellow("Odd."), red("Wrong."), yellow("Odd.")], fine="Well.")
    assert (found.ok, found.detail) == (Color.RED, "Wrong. Odd.")
    assert judged("Codes", [yellow("Odd.")], fine="Well.").ok == Color.YELLOW


def test_without_problems_a_line_is_green():
    assert (judged("Codes", [], fine="Well.").ok, judged("Codes", [], fine="Well.").detail) == (
        Color.GREEN,
        "Well.",
    )


def test_many_problems_are_counted_instead_of_listed():
    found = judged("Texts", [red(f"Text {n}.") for n in range(8)], fine="")
    assert found.detail.endswith("Text 4. And 3 more.")
