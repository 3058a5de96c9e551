"""What providers post without an effect is counted by day. [N-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from waves.choices import ReceiptResult
from waves.models import ReceiptCount
from waves.receipts import counts

pytestmark = pytest.mark.django_db


def test_n3_counts_add_up_over_their_slots_and_what_was_applied_is_not_among_them(monkeypatch):
    for slot in (0, 1, 1):
        monkeypatch.setattr(counts.random, "randrange", lambda slots, slot=slot: slot)
        counts.add("twilio", {ReceiptResult.LATE: 2, ReceiptResult.APPLIED: 5})
    counts.add("infobip", {ReceiptResult.FORGED: 1})
    counts.add("infobip", {ReceiptResult.APPLIED: 1})
    assert ReceiptCount.objects.count() == 3
    assert counts.of_last_days(1) == {
        "infobip": {"Not signed by the provider": 1},
        "twilio": {"Contradicts a later one": 6},
    }


def test_n3_older_days_are_left_out():
    counts.add("twilio", {ReceiptResult.REFUSED: 1})
    ReceiptCount.objects.update(day=F("day") - timedelta(days=6))
    assert counts.of_last_days(7) == {"twilio": {"Unreadable": 1}}
    assert counts.of_last_days(6) == {}
