"""How long until something is due, by the second. [W-11]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from operations.adminkit.countdowns import until

DUE = datetime(2026, 1, 20, 18, tzinfo=UTC)
SAID = {
    -200_000: "in 2 d 7 h",
    -86_400: "in 1 d",
    -7_500: "in 2 h 5 min",
    -61: "in 1 min 1 s",
    -59.2: "in 1 min",
    -0.001: "in 1 s",
    0: "due now",
    0.9: "due now",
    1: "1 s late",
    59.9: "59 s late",
    125: "2 min 5 s late",
    7_201: "2 h late",
}


@pytest.mark.parametrize(("seconds", "text"), SAID.items())
def test_w11_a_wave_counts_down_to_due_now_and_is_late_from_the_first_second(seconds, text):
    assert until(DUE, DUE + timedelta(seconds=seconds), past="late") == text
