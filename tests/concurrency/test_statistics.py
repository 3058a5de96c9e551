"""Two workers tell Slack of the same wave, or of the same figures, at once. [O-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from operations.models import Alert
from stats.models import SlackReport
from stats.slack import campaigns, finished
from stats.snapshots.figures import instant_of
from tests.concurrency.test_campaign_and_waves import somebody_waits_for_a_lock
from tests.stats.rows import saved
from tests.support.processes import Process
from tests.support.sending import triggered_wave
from tests.support.waiting import wait_until
from tests.support.waves import NOW
from waves.models import Wave

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
LATER = NOW + timedelta(hours=1)


def told_of_waves() -> dict[str, int]:
    """In a process of its own."""
    return {"reported": finished.report(now=LATER)}


def told_of_campaigns() -> dict[str, int]:
    """In a process of its own."""
    return campaigns.report(now=LATER)


@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
def test_o3_a_wave_is_told_of_once_by_whichever_worker_ends(is_killed):
    wave = triggered_wave(members=1)
    done = {"state": "completed", "completed_at": NOW}
    Wave.objects.filter(pk=wave.pk).update(**done)
    held = Process(told_of_waves, halted_at="stats.slack.finished:alert")
    held.expect("halted")  # its row is written, not committed
    other = Process(told_of_waves)
    wait_until(lambda: somebody_waits_for_a_lock() or not other.is_running, "the other worker")
    if is_killed:
        held.kill()
    else:
        held.go_on()
        assert held.result()["reported"] == 1
    assert other.result()["reported"] == int(is_killed)
    assert Alert.objects.count() == 1


def test_o3_figures_are_told_once_by_two_workers():
    campaign = triggered_wave(members=1).campaign
    campaign.artist = "The Band"
    campaign.save(update_fields=["artist"])
    saved(campaign, instant_of(NOW), registered=7)
    SlackReport.objects.create(campaign=campaign)  # it was told of before
    held = Process(told_of_campaigns, halted_at="stats.slack.campaigns:alert")
    held.expect("halted")
    other = Process(told_of_campaigns)
    wait_until(lambda: somebody_waits_for_a_lock() or not other.is_running, "the other worker")
    held.go_on()
    assert (held.result()["reported"], other.result()["reported"]) == (1, 0)
    assert Alert.objects.count() == 1
