"""What fails alerts once, and is tried less and less often. [T-1, O-2]"""

from __future__ import annotations

import pytest
from django.db import OperationalError

from operations import alerts
from operations.errors import Refusal
from operations.models import Alert
from operations.services import troubles
from operations.services.troubles import Trouble


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(troubles, "time", found)
    return found


def fail(trouble: Trouble, error: Exception) -> None:
    with trouble.fenced():
        raise error


def pauses(error: Exception, clock: Clock) -> list[float]:
    trouble, found = Trouble("Consumer lake", "stream input", page="/admin/"), []
    for _ in range(14):
        fail(trouble, error)
        found.append(trouble.not_before - clock.now)
    return found


@pytest.mark.django_db
def test_what_is_away_or_refuses_is_tried_less_and_less_often(clock):
    assert pauses(OSError("away"), clock)[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert pauses(Refusal("no"), clock)[:3] == [1, 2, 4]


@pytest.mark.django_db
def test_t1_a_fault_is_tried_again_sooner_because_its_record_is_being_searched_for(clock):
    assert pauses(KeyError("x"), clock) == [1] * 6 + [2] * 6 + [4] * 2


@pytest.mark.django_db
def test_o2_a_failure_alerts_once_until_it_is_over_and_an_outage_only_if_it_lasts(clock):
    """[O-2]"""
    trouble = Trouble("Consumer lake", "stream input", page="/admin/datalake/checkpoint/")
    fail(trouble, OSError("away"))
    assert not Alert.objects.exists()
    clock.now += troubles.ALERT_AFTER_SECONDS
    for _ in range(3):
        fail(trouble, OSError("away"))
    assert Alert.objects.get().text.endswith("/admin/datalake/checkpoint/")
    trouble.over()
    assert trouble.may_try
    fail(trouble, Refusal("no"))
    assert Alert.objects.count() == 2
    assert not trouble.may_try


def test_o2_an_alert_that_cannot_be_written_is_written_later(clock, monkeypatch):
    written = []

    def away(*about, page):
        written.append(page)
        if len(written) == 1:
            raise OperationalError("the database is away")

    monkeypatch.setattr(alerts, "alert_failure", away)
    monkeypatch.setattr(troubles, "connection", type("C", (), {"in_atomic_block": True}))
    trouble = Trouble("Consumer lake", "stream input", page="/admin/")
    for _ in range(3):
        fail(trouble, Refusal("no"))
    assert len(written) == 2
