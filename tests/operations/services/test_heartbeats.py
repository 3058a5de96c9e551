"""Services have heartbeats; one that is silent for three minutes alerts and is seen. [O-2]"""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import F
from django.utils import timezone

from operations.models import Alert, Heartbeat
from operations.services import heartbeats
from operations.services.heartbeats import STUCK_SECONDS, Stop
from tests.support.processes import Process
from tests.support.waiting import wait_until

HERE = {"host": "here", "pid": os.getpid()}
GONE = 2**22 + 1  # no process has this number


def age_all(by: timedelta) -> None:
    Heartbeat.objects.update(beat_at=F("beat_at") - by)


def state_of(name: str) -> heartbeats.ServiceState:
    return next(each for each in heartbeats.services() if each.name == name)


@pytest.mark.django_db
def test_o2_a_service_is_well_while_it_beats_and_silent_after_three_minutes():
    heartbeats.begin("scheduler", **HERE)
    assert (state_of("scheduler").words, heartbeats.report_silent()) == ("ok", 0)
    age_all(timedelta(minutes=3, seconds=1))
    assert state_of("scheduler").words.startswith("silent for more than 3 minutes (process")
    assert heartbeats.report_silent() == 1
    heartbeats.beat("scheduler", **HERE)
    assert state_of("scheduler").is_well


@pytest.mark.django_db
def test_o2_a_machine_whose_clock_is_ahead_finds_nobody_silent(monkeypatch):
    """The database's clock decides."""
    heartbeats.begin("scheduler", **HERE)
    ahead = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    assert (state_of("scheduler").words, heartbeats.report_silent()) == ("ok", 0)


@pytest.mark.django_db
def test_o2_a_silence_alerts_once_and_the_next_one_again():
    heartbeats.begin("consumers", **HERE)
    for _ in range(2):
        age_all(timedelta(minutes=4))
        assert [heartbeats.report_silent() for _ in range(3)] == [1, 0, 0]
        heartbeats.beat("consumers", **HERE)
    assert "Service consumers has been silent for more than 3 minutes" in Alert.objects.first().text


@pytest.mark.django_db
def test_o2_one_of_two_processes_that_falls_silent_is_seen():
    heartbeats.begin("consumers", host="there", pid=1)
    age_all(timedelta(minutes=4))
    heartbeats.begin("consumers", **HERE)
    found = state_of("consumers")
    assert (found.living, [each.host for each in found.silent], found.is_well) == (
        1,
        ["there"],
        False,
    )


@pytest.mark.django_db
def test_a_process_takes_the_place_of_one_of_its_machine_that_is_gone():
    heartbeats.begin("workers", host="here", pid=GONE)
    heartbeats.begin("workers", host="there", pid=GONE)
    heartbeats.begin("workers", **HERE)
    places = set(Heartbeat.objects.values_list("host", "pid"))
    assert places == {("here", os.getpid()), ("there", GONE)}
    heartbeats.end("workers", **HERE)
    assert Heartbeat.objects.get().host == "there"


@pytest.mark.django_db
def test_what_has_been_silent_for_a_day_is_forgotten():
    heartbeats.begin("workers", host="there", pid=1)
    age_all(timedelta(days=1, minutes=1))
    assert heartbeats.report_silent() == 1
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_o2_a_host_that_is_gone_is_forgotten_after_a_while(settings):
    """One of which a process still lives is not: that one can be started again there."""
    settings.HOST_FORGOTTEN_SECONDS = 600
    for host, service in (("gone", "workers"), ("gone", "scheduler"), ("there", "scheduler")):
        heartbeats.begin(service, host=host, pid=1)
    age_all(timedelta(seconds=599))
    heartbeats.begin("workers", host="there", pid=2)
    assert heartbeats.report_silent() == 3
    assert Heartbeat.objects.filter(host="gone").count() == 2
    Heartbeat.objects.filter(host="gone").update(beat_at=F("beat_at") - timedelta(seconds=2))
    Heartbeat.objects.filter(pid=1).update(beat_at=F("beat_at") - timedelta(seconds=2))
    assert heartbeats.report_silent() == 0
    assert set(Heartbeat.objects.values_list("host", "service")) == {
        ("there", "scheduler"),
        ("there", "workers"),
    }
    assert (state_of("workers").words, state_of("scheduler").is_well) == ("ok", False)


@pytest.mark.django_db
def test_o2_a_service_that_never_begins_or_was_ended_for_good_alerts_after_three_minutes():
    heartbeats.begin("scheduler", **HERE)
    heartbeats.expect()
    assert heartbeats.report_silent() == 0
    assert state_of("wave workers").words == "not running"
    age_all(timedelta(minutes=4))
    heartbeats.beat("scheduler", **HERE)
    heartbeats.expect()
    assert heartbeats.report_silent() == 3
    assert "Service wave workers has not been running for 3 minutes" in str(
        list(Alert.objects.values_list("text", flat=True))
    )
    heartbeats.begin("wave workers", **HERE)
    assert state_of("wave workers").is_well


@pytest.mark.django_db(transaction=True)
def test_o2_a_thread_beats_while_the_service_is_well_and_takes_its_row_away_at_the_end(monkeypatch):
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.01)
    well = threading.Event()
    well.set()
    with heartbeats.beating("consumers", is_well=well.is_set):
        wait_until(Heartbeat.objects.exists, "a heartbeat")
        well.clear()
        wait_until(_stays_the_same, "no heartbeat")
        well.set()
    assert not Heartbeat.objects.exists()


def _stays_the_same() -> bool:
    def last() -> Any:
        return Heartbeat.objects.values_list("beat_at", flat=True).get()

    before = last()
    threading.Event().wait(0.05)
    return last() == before


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_survives_a_database_that_is_away(monkeypatch):
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.01)
    begin, failed = heartbeats.begin, []

    def shaky(service: str, **own: Any) -> None:
        if not failed:
            failed.append(1)
            raise OperationalError("away")
        begin(service, **own)

    monkeypatch.setattr(heartbeats, "begin", shaky)
    with heartbeats.beating("consumers", is_well=lambda: True):
        wait_until(Heartbeat.objects.exists, "a heartbeat")


def test_o2_a_loop_that_does_not_ask_whether_to_stop_is_stuck():
    stop = Stop()
    stop.asked_at -= STUCK_SECONDS
    assert not stop.is_asked
    stop.wait(0)
    assert stop.is_asked
    stop.asked_at -= STUCK_SECONDS
    stop.is_set()
    assert stop.is_asked


def work_as_a_worker_does(how: str) -> None:
    heartbeats.beat_in_worker()
    wait_until(Heartbeat.objects.exists, "a heartbeat")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_o2_a_worker_beats_and_leaves_a_row_only_if_it_is_killed():
    """[O-2]"""
    ended = Process(work_as_a_worker_does, "at its end")
    assert ended.wait() == 0, ended.errors
    assert not Heartbeat.objects.exists()
    assert Process(work_as_a_worker_does, "killed").wait() == -signal.SIGKILL
    assert Heartbeat.objects.get().service == "workers"
