"""Slack is told once of a wave that is complete, and of merges. [O-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from datalake.models import Merge
from operations.models import Alert
from stats.models import Summary
from stats.slack.finished import report
from tests.stats.rows import messages
from tests.support.sending import triggered_wave
from tests.support.waves import NOW
from waves.models import Send, Wave

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def completed(*states: str) -> Wave:
    wave = triggered_wave(members=len(states))
    messages(wave, "sms", *states, sent_at=NOW - 5 * MINUTE)
    done = {"triggered_at": NOW - 8 * MINUTE, "completed_at": NOW, "state": "completed"}
    done["selected"] = len(states)
    Wave.objects.filter(pk=wave.pk).update(**done)
    return wave


def texts() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("text", flat=True))


def test_o3_a_wave_that_is_complete_is_told_of_once():
    wave = completed("sent", "delivered", "failed", "skipped")
    assert [report(now=NOW + n * MINUTE) for n in (0, 1)] == [1, 0]
    (text,) = texts()
    first, sms, link = text.splitlines()
    assert first == f":white_check_mark: Wave {wave.name} is complete: 4 fans in 8 min"
    assert sms.startswith(
        "SMS: 2 sent, 1 delivered, 1 failed (Rejected by the provider (HTTP 400) 1)"
    )
    assert sms.endswith("; 1 per second")  # two within three seconds
    assert link.endswith(f"/admin/wave/{wave.name}/")


def test_o3_a_summary_waits_for_queued_e_mails_but_not_for_ever():
    wave = completed("sent")
    messages(wave, "email", "pending", sent_at=NOW)
    assert [report(now=NOW + n * MINUTE) for n in (0, 29)] == [0, 0]
    Send.objects.filter(channel="email").update(state="sent")
    assert report(now=NOW + 29 * MINUTE) == 1
    late = completed("sent")
    messages(late, "email", "pending", sent_at=NOW)
    assert report(now=NOW + 30 * MINUTE) == 1


def test_o3_nothing_is_told_of_waves_that_go_on_or_are_long_over():
    completed("sent")
    going = triggered_wave(members=1)
    messages(going, "sms", "sent", sent_at=NOW)
    assert report(now=NOW + timedelta(days=1)) == 0
    assert texts() == []


def test_o3_a_message_and_its_row_come_together_or_not_at_all(monkeypatch):
    completed("sent")

    def lost(text: str) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("stats.slack.finished.alert", lost)
    with pytest.raises(OSError, match="the disk is full"):
        report(now=NOW)
    assert not Summary.objects.exists()


def test_o3_merges_that_are_done_are_told_of_once():
    day = {"record_type": "scoring", "files": 3, "records_in": 7, "records_out": 7}
    for number, state in enumerate(("merged", "archived", "consolidating"), 1):
        Merge.objects.create(
            period=f"2026-01-0{number}", generation=1, state=state, merged_at=NOW, **day
        )
    assert [report(now=NOW), report(now=NOW)] == [2, 0]
    (text,) = texts()
    assert "scoring, 2 periods (2026-01-01 to 2026-01-02): 6 files, 14 records" in text
