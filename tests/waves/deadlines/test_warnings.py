"""Slack is warned of steps that are not done, once for each of three times. [O-9]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from operations.models import Alert
from operations.tasks import run_scheduled
from tests.support.database import kept
from tests.support.waves import KEY, NOTIFY, NOW, campaign_with
from waves.choices import WaveState
from waves.deadlines.warnings import warn
from waves.models import Wave

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def configured(**values) -> Wave:
    campaign = campaign_with(fans=1)
    name = f"{campaign.campaign_id}_{KEY}"
    given = {"campaign": campaign, "date_key": KEY, "name": name, "notify_date": NOTIFY}
    return Wave.objects.create(**given | values)


def texts() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("text", flat=True))


def test_o9_each_warning_is_given_once_and_names_what_is_to_be_done():
    wave = configured()
    assert warn(now=NOTIFY - 49 * HOUR) == 0
    assert [warn(now=NOTIFY - hours * HOUR) for hours in (48, 47, 26, 25, 3, 2, 1)] == [
        *(1, 0, 1, 0, 0, 1, 0)
    ]
    first, second, last = texts()
    assert first.startswith(
        f":alarm_clock: Wave {wave.name} is due in 2 d, at 2026-01-21 18:00 UTC."
        " Still to do: prepare, approve, schedule. It must be prepared by 2026-01-20 18:00 UTC.\n"
    )
    assert first.endswith(f"/admin/wave/{wave.name}/")
    assert "in 1 d 2 h" in second
    assert "needs permission and a reason for short notice" in last


def test_o9_only_the_nearest_warning_is_given_of_a_wave_that_comes_late():
    configured()
    assert [warn(now=NOTIFY - hours * HOUR) for hours in (1.5, 1)] == [1, 0]


def test_o9_another_notify_date_is_warned_of_anew():
    wave = configured()
    warn(now=NOTIFY - 26 * HOUR)
    Wave.objects.filter(pk=wave.pk).update(notify_date=NOTIFY + 100 * HOUR)
    assert warn(now=NOTIFY + 74 * HOUR) == 1


@pytest.mark.parametrize("state", [WaveState.CANCELLED, WaveState.HELD, WaveState.COMPLETED])
def test_o9_a_wave_that_was_given_up_held_or_sent_warns_of_nothing(state):
    configured(state=state)
    assert warn(now=NOTIFY - HOUR) == 0


def test_o9_a_scheduled_wave_and_one_of_a_closed_campaign_warn_of_nothing():
    kept.scheduled()
    wave = configured()
    type(wave.campaign).objects.filter(pk=wave.campaign_id).update(status="closed")
    assert warn(now=NOTIFY - HOUR) == 0
    assert warn(now=NOW) == 0


def test_o9_the_scheduled_run_warns_by_the_time_of_now():
    configured(notify_date=timezone.now() + HOUR)
    run_scheduled("warn_of_deadlines")
    assert len(texts()) == 1
