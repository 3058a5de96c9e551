"""When the lake is merged next, and when it was last. [L-3]"""

from __future__ import annotations

import pytest
from django.utils import timezone
from django_q.models import Schedule

from console.lake import schedule
from datalake import tasks
from datalake.merging import scheduled
from operations import schedules

pytestmark = pytest.mark.django_db


def test_l3_the_next_and_the_last_merge_are_known_and_one_that_is_switched_off_has_no_next():
    schedules.write(tasks.SCHEDULED_RUNS, now=timezone.now())
    Schedule.objects.filter(name="fairwave: merge_monthly").update(repeats=0)
    job = scheduled.open_job(monthly=False, by=None)
    days, months = schedule.runs()
    assert (days.next_at.hour, days.last) == (10, job)
    assert (months.next_at, months.last) == (None, None)
