"""One clock judges what may happen only before or after a time: the database's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from operations.database import clock
from operations.errors import ClocksDiffer

pytestmark = pytest.mark.django_db


def test_the_time_goes_on_inside_a_transaction():
    with transaction.atomic():
        assert clock.database_time() < clock.database_time()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_machine_that_is_more_than_a_minute_off_is_told_both_times(monkeypatch, sign):
    here = timezone.now()
    monkeypatch.setattr(clock.timezone, "now", lambda: here + sign * timedelta(seconds=50))
    assert abs(clock.agreed_time() - here) < clock.MOST_APART
    monkeypatch.setattr(clock.timezone, "now", lambda: here + sign * timedelta(hours=1))
    with pytest.raises(ClocksDiffer, match=r"The database's clock says .* this machine's"):
        clock.agreed_time()
