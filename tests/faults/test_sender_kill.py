"""Senders are real processes: some are killed at any moment, some work side by side. [N-2, N-4,
O-6]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

import sandbox
from tests.support.sending import triggered_wave
from waves.models import Send, Sender

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
KILLS = 12 if os.environ.get("FAIRWAVE_FULL") else 3
ROOT = Path(__file__).parent.parent.parent


def start(wave, box, *, per_second, concurrency, honours_keys=True):
    asked = {
        "database": connection.settings_dict["NAME"],
        "wave": wave.pk,
        "url": box.url,
        "per_second": per_second,
        "concurrency": concurrency,
        "honours_keys": honours_keys,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.send_in_process", json.dumps(asked)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "fairwave.settings"},
    )


def report_of(process):
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(output.splitlines()[-1])


def kill_after(process, box, accepted):
    """Kill the sender once the sandbox has accepted so many, requests being in flight."""
    deadline = time.monotonic() + 60
    while box.received()["sms"]["accepted"] < accepted:
        assert process.poll() is None, "the sender ended before it could be killed"
        assert time.monotonic() < deadline, "the sender does not get on"
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_after_any_number_of_kills_nobody_is_missed_and_no_key_was_accepted_twice_n4():
    members = 300 * (KILLS + 1)
    wave = triggered_wave(members)
    with sandbox.running(latency_ms=40, jitter_ms=40) as box:
        left_in_flight = 0
        for kill in range(KILLS):
            process = start(wave, box, per_second=1_000, concurrency=60)
            kill_after(process, box, 200 * (kill + 1))
            left_in_flight += Send.objects.filter(wave=wave, state="sending").count()
        report = report_of(start(wave, box, per_second=5_000, concurrency=60))
        counts = box.received()["sms"]
        accepted = {message["key"] for message in box.messages()}
    assert left_in_flight > 0
    assert (report["ok"], report["total"], report["state"]) == (members, members, "completed")
    assert accepted == {
        str(key)
        for key in Send.objects.filter(wave=wave, channel="sms").values_list("key", flat=True)
    }
    assert counts["keys_accepted_twice"] == 0
    assert counts["accepted"] == members


def test_a_kill_where_keys_mean_nothing_leaves_unknowns_and_doubles_nobody_n4():
    wave = triggered_wave(500)
    with sandbox.running(latency_ms=60, honour_keys=False) as box:
        kill_after(start(wave, box, per_second=1_000, concurrency=40, honours_keys=False), box, 100)
        report = report_of(start(wave, box, per_second=5_000, concurrency=40, honours_keys=False))
        counts = box.received()["sms"]
        accepted = {message["key"] for message in box.messages()}
    unknown = {
        str(key)
        for key in Send.objects.filter(wave=wave, state="unknown").values_list("key", flat=True)
    }
    sent = {
        str(key)
        for key in Send.objects.filter(wave=wave, state="sent").values_list("key", flat=True)
    }
    assert report["ok"] + report["unknown"] == 500
    assert 0 < len(unknown) <= 40, "no more than could be in flight"
    assert sent <= accepted <= sent | unknown
    assert counts["keys_accepted_twice"] == 0


def test_senders_in_several_processes_together_keep_to_the_accounts_rate_and_concurrency_n2():
    """Two work on one wave, a third on another, all through one account."""
    shared, other = triggered_wave(400), triggered_wave(200)
    with sandbox.running(latency_ms=80) as box:
        processes = [
            start(wave, box, per_second=150, concurrency=24) for wave in (shared, shared, other)
        ]
        reports = [report_of(process) for process in processes]
        counts = box.received()["sms"]
    assert [report["ok"] for report in reports] == [400, 400, 200]
    assert counts["max_started_per_second"] <= 150
    assert counts["max_concurrency"] <= 24
    assert (counts["accepted"], counts["repeats"]) == (600, 0)
    assert not Sender.objects.exists()
