"""What the receipts of the first messages say. [N-9]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from waves.soft_start.rules import LONGEST_WAIT, Receipts, Verdict, sentences, verdict, why

SHORT = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("accepted", "delivered", "undeliverable", "waited", "expected"),
    [
        (100, 90, 10, SHORT, Verdict.GOES_ON),
        (100, 89, 11, SHORT, Verdict.POOR),
        (100, 45, 5, SHORT, Verdict.GOES_ON),
        (100, 49, 0, SHORT, Verdict.WAITS),
        (100, 0, 49, SHORT, Verdict.WAITS),
        (100, 0, 50, SHORT, Verdict.POOR),
        (1, 1, 0, SHORT, Verdict.GOES_ON),
        (100, 0, 0, LONGEST_WAIT - SHORT, Verdict.WAITS),
        (100, 49, 0, LONGEST_WAIT, Verdict.SLOW),
        (0, 0, 0, SHORT, Verdict.POOR),
    ],
)
def test_n9_half_of_the_receipts_and_nine_tenths_of_these_delivered_let_the_others_follow(
    accepted, delivered, undeliverable, waited, expected
):
    assert verdict(Receipts(accepted, delivered, undeliverable), waited) == expected


@pytest.mark.parametrize(
    ("state", "found", "what", "said"),
    [
        ("first", Receipts(0, 0, 0), Verdict.POOR, "are sent before all others. The others follow"),
        ("waiting", Receipts(9, 1, 0), Verdict.WAITS, "1 of the 1 messages with a receipt were"),
        ("waiting", Receipts(9, 1, 8), Verdict.POOR, "Fewer than 90% were delivered: 1 of the 9"),
        ("waiting", Receipts(0, 0, 0), Verdict.POOR, "None of the first messages was accepted by"),
        ("waiting", Receipts(9, 1, 0), Verdict.SLOW, "After 15 minutes too few receipts have come"),
        ("by_hand", Receipts(9, 9, 0), Verdict.GOES_ON, "stays paused until someone resumes it"),
    ],
)
def test_n9_the_page_says_how_far_the_soft_start_is_and_what_a_person_can_do(
    state, found, what, said
):
    assert said in sentences(state, 1_000, found, what)
    assert "the first 1,000 fans" in sentences(state, 1_000, found, what)


def test_n9_nobody_is_asked_to_decide_while_receipts_come():
    assert why(Verdict.WAITS, Receipts(9, 1, 0)) == why(Verdict.GOES_ON, Receipts(9, 9, 0)) == ""
