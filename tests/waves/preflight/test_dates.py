"""The wave itself is ready. [X-6, X-14]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.waves import NOW
from waves.models import Wave
from waves.naming import GRACE
from waves.preflight.check import Color
from waves.preflight.dates import judge_count, judge_notify_date


def test_x6_a_notify_date_that_is_past_is_yellow_within_the_grace_and_red_after_it():
    assert judge_notify_date(NOW + timedelta(seconds=1), NOW).ok == Color.GREEN
    assert judge_notify_date(NOW, NOW).ok == Color.YELLOW
    assert judge_notify_date(NOW - GRACE, NOW).ok == Color.RED


@pytest.mark.parametrize(
    ("counted", "differs", "color"),
    [("d", "", Color.GREEN), ("", "d", Color.RED), ("", "", Color.YELLOW)],
)
def test_x14_the_second_count_is_a_line(counted, differs, color):
    wave = Wave(content_digest="d", counted_digest=counted, differs_digest=differs)
    assert judge_count(wave).ok == color
