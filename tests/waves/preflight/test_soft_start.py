"""A soft start that no receipt can end is named before the approval. [X-6, N-9]"""

from __future__ import annotations

import pytest

from waves.preflight.soft_start import judge_soft_start


@pytest.mark.parametrize(
    ("fans", "members", "posting", "color", "said"),
    [
        (
            500,
            9_000,
            ["Twilio"],
            "green",
            "500 fans of 9,000 are notified first. The others follow",
        ),
        (1, 9_000, ["Twilio"], "green", "1 fan of 9,000 is notified first"),
        (500, 9_000, [], "yellow", "so someone has to resume it after that"),
        (500, 500, [], "green", "so all are notified at once"),
    ],
)
def test_n9_a_soft_start_says_who_is_first_and_whether_receipts_can_end_it(
    fans, members, posting, color, said
):
    [found] = judge_soft_start(fans, members=members, posting=posting)
    assert (str(found.ok), said in found.detail) == (color, True)


def test_n9_a_wave_without_a_soft_start_has_no_such_line():
    assert judge_soft_start(0, members=9_000, posting=[]) == []
