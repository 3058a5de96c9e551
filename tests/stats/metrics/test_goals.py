"""The targets of the success metrics, and when they are met. [O-8]"""

from __future__ import annotations

import pytest

from stats.metrics.goals import GROUPS, amount, goals_by_group

GOALS = {goal.name: goal for _, goals in GROUPS for goal in goals}


@pytest.mark.parametrize(
    ("name", "target", "met", "missed"),
    [
        ("score_file_seconds", "under 5 min", 299.9, 300),
        ("data_accuracy", "exactly 100%", 100, 99.999),
        ("merge_success", "over 99%", 99.1, 99),
        ("rows_lost", "0 rows", 0, 1),
        ("code_uniqueness", "exactly 100%", 100, 99.999),
        ("code_assignment", "over 99.5%", 99.51, 99.5),
        ("code_reservation", "over 99%", 99.1, 99),
        ("sms_attempts", "over 98%", 98.1, 98),
        ("email_queued", "exactly 100%", 100, 99.999),
        ("wave_seconds", "under 30 min", 1_799, 1_800),
        ("sms_per_second", "196 per second or more", 196, 195.9),
        ("job_success", "over 99%", 99.1, 99),
        ("alert_seconds", "under 1 min", 59.9, 60),
        ("retry_success", "over 90%", 90.1, 90),
        ("detection_seconds", "under 5 min", 299, 300),
    ],
)
def test_o8_each_metric_has_the_target_of_the_source_documents(name, target, met, missed):
    goal = GOALS[name]
    assert goal.target_words == target
    assert (goal.is_met(met), goal.is_met(missed), goal.is_met(None)) == (True, False, True)


def test_o8_there_is_no_metric_beside_these():
    assert len(GOALS) == 15


@pytest.mark.parametrize(("allowed", "target"), [(100, 98), (200, 196), (1_000, 196)])
def test_o8_the_rate_of_sms_is_held_against_what_is_allowed(allowed, target):
    goals = {goal.name: goal for _, goals in goals_by_group(allowed) for goal in goals}
    assert goals["sms_per_second"].target == target
    assert goals["job_success"].target == 99


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "percent", "–"),
        (99.9999, "percent", "99.99%"),
        (100, "percent", "100%"),
        (0.84, "seconds", "0.8 s"),
        (12, "seconds", "12 s"),
        (252, "seconds", "4 min 12 s"),
        (196.4, "per second", "196 per second"),
        (0, "rows", "0 rows"),
    ],
)
def test_o8_amounts_are_written_in_their_unit_and_never_rounded_up(value, unit, words):
    assert amount(value, unit) == words
