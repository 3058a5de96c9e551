"""A success metric that misses its target alerts, and again when it is worse or newer. [O-8]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from operations.models import Alert
from stats.metrics import watch as watching
from stats.metrics.goals import GROUPS
from stats.metrics.measure import NOTHING, Measured
from stats.metrics.watch import standings, watch
from stats.models import Metric
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db
NAMES = [goal.name for _, goals in GROUPS for goal in goals]
FIVE = timedelta(minutes=5)


@pytest.fixture
def found(monkeypatch):
    """What is measured, to be changed."""
    measured = dict.fromkeys(NAMES, NOTHING)
    monkeypatch.setattr(watching, "measure", lambda now: measured)
    return measured


def test_o8_a_miss_alerts_once_and_again_after_it_was_met(found):
    def looked(n: int, value: float | None) -> int:
        found["job_success"] = Measured(value, 200)
        return watch(now=NOW + n * FIVE)["alerted"]

    values = [100, 98.5, 98.2, 99.5, 99, None, 97]
    assert [looked(n, value) for n, value in enumerate(values)] == [0, 1, 0, 0, 1, 0, 1]
    assert Metric.objects.get(name="job_success").missed_since == NOW + 6 * FIVE
    first = Alert.objects.order_by("id").first().text
    assert first.startswith(
        ":warning: Success metric missed: Jobs that succeed: 98.5% in the last 7 days"
        " (target: over 99%; 200 measured)\n"
    )
    assert first.endswith("/admin/success-metrics/")


def test_o8_a_miss_that_gets_worse_alerts_again_at_most_once_an_hour(found):
    def looked(n: int, value: float) -> int:
        found["job_success"] = Measured(value, 200)
        return watch(now=NOW + n * FIVE)["alerted"]

    looks = [(0, 98), (11, 97), (12, 97), (24, 97.5), (25, 96.9)]
    assert [looked(n, value) for n, value in looks] == [1, 0, 1, 0, 1]


def test_o8_a_second_slow_wave_alerts_although_the_first_was_slower(found):
    def looked(n: int, missed_at: timedelta) -> int:
        found["wave_seconds"] = Measured(4_000, 2, NOW + missed_at)
        return watch(now=NOW + n * FIVE)["alerted"]

    assert [looked(0, -FIVE), looked(12, -FIVE), looked(13, FIVE), looked(26, FIVE)] == [1, 0, 1, 0]
    assert "; 2 measured; last missed at " in Alert.objects.latest("id").text


def test_o8_a_miss_is_dated_from_its_beginning_and_an_older_look_changes_nothing(found):
    found["rows_lost"] = Measured(3, 10)
    assert watch(now=NOW) == {"measured": 15, "missed": 1, "alerted": 1}
    watch(now=NOW + FIVE)
    assert Metric.objects.get(name="rows_lost").missed_since == NOW
    found["rows_lost"] = Measured(0, 10)
    watch(now=NOW)
    assert Metric.objects.get(name="rows_lost").value == 3


def test_o8_every_metric_is_shown_also_before_it_is_measured(found):
    assert [each.value_words for _, group in standings() for each in group] == ["–"] * 15
    found["code_uniqueness"] = Measured(99.5, 200)
    watch(now=NOW)
    by_name = {each.goal.name: each for _, group in standings() for each in group}
    assert (by_name["code_uniqueness"].value_words, by_name["code_uniqueness"].is_met) == (
        "99.5%",
        False,
    )
    assert by_name["job_success"].is_met
