"""Messages for Slack, over real connections to the sandbox's webhook: batched, in order, never in
the way. [O-2]
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import connection
from django.utils import timezone

import sandbox
from operations import alerts, tasks
from operations.choices import AlertState
from operations.database.locks import exclusive
from operations.models import Alert
from operations.services import troubles
from operations.services.heartbeats import Stop
from tests.support.processes import Process
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def providers() -> Iterator[sandbox.RunningSandbox]:
    with sandbox.running() as running:
        yield running


@pytest.fixture
def slack(providers, settings, monkeypatch) -> sandbox.RunningSandbox:
    providers.forget()
    settings.SLACK_WEBHOOK_URL = f"{providers.url}/slack/test"
    monkeypatch.setattr(alerts, "PAUSE_SECONDS", 0.0)
    return providers


def came(slack: sandbox.RunningSandbox) -> tuple[int, str]:
    """How many messages, and the text of the last."""
    received = slack.received()["slack"]
    return received["posts"], received["last"]["text"] if received["last"] else ""


def states() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("state", flat=True))


def test_alerts_go_out_in_batches_in_their_order_and_once(slack):
    for number in range(alerts.BATCH + 5):
        alerts.alert(f"alert {number}")
    assert alerts.deliver() == alerts.BATCH + 5
    assert alerts.deliver() == 0
    assert came(slack) == (
        2,
        "\n".join(f"alert {number}" for number in range(alerts.BATCH, alerts.BATCH + 5)),
    )
    assert set(states()) == {AlertState.SENT}


def test_between_two_messages_there_is_a_pause(slack, monkeypatch):
    """One a second."""
    pauses: list[float] = []
    monkeypatch.setattr(alerts, "PAUSE_SECONDS", 1.0)
    monkeypatch.setattr(alerts.time, "sleep", pauses.append)
    for number in range(2 * alerts.BATCH):
        alerts.alert(str(number))
    alerts.deliver()
    assert pauses == [1.0, 1.0]


def test_an_alert_calls_nobody_and_is_cut_where_it_is_long(slack):
    alerts.alert("<!channel> a < b & c " + "x" * 100_000)
    alerts.deliver()
    _, text = came(slack)
    assert text.startswith("&lt;!channel&gt; a &lt; b &amp; c ")
    assert len(text) < alerts.LONGEST_TEXT + 100


def test_without_a_webhook_alerts_stay_readable_and_nothing_waits(settings):
    settings.SLACK_WEBHOOK_URL = ""
    alerts.alert("hello")
    assert alerts.deliver() == 0
    assert states() == [AlertState.DROPPED]


def test_a_slack_that_is_down_fails_nothing_and_hears_of_it_later(slack, settings):
    up = settings.SLACK_WEBHOOK_URL
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.SLACK_WEBHOOK_URL = f"http://127.0.0.1:{free.getsockname()[1]}/"
        alerts.alert("the house is on fire")
        for _ in range(12):
            assert tasks.sweep() == 0
    assert states() == [AlertState.PENDING]
    settings.SLACK_WEBHOOK_URL = up
    assert alerts.deliver() == 1
    assert came(slack) == (1, "the house is on fire")


def test_what_slack_could_not_take_for_a_day_is_given_up(slack):
    alerts.alert("old news")
    Alert.objects.update(created_at=timezone.now() - alerts.KEPT_FOR - timedelta(seconds=1))
    assert alerts.deliver() == 0
    assert states() == [AlertState.DROPPED]


@pytest.fixture
def moody_slack(settings, monkeypatch) -> Iterator[list[str]]:
    """A webhook that answers what a message asks for; holds the messages it took."""
    taken: list[str] = []

    class Moody(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if "HANG UP" in body:
                self.connection.close()
                return
            if "NONSENSE" in body:
                self.wfile.write(b"what?\r\n\r\n")
                return
            status = (
                400
                if "REFUSE" in body
                else 429
                if "SLOWER" in body
                else 500
                if "BROKEN" in body
                else 200
            )
            if status == 200:
                taken.append(body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    monkeypatch.setattr(alerts, "PAUSE_SECONDS", 0.0)
    server = HTTPServer(("127.0.0.1", 0), Moody)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.SLACK_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/"
    yield taken
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("mood", ["SLOWER", "BROKEN", "HANG UP", "NONSENSE"])
def test_what_slack_cannot_take_now_waits(mood, moody_slack):
    alerts.alert(mood)
    assert alerts.deliver() == 0
    assert states() == [AlertState.PENDING]
    assert Alert.objects.get().attempts == 1


def test_an_alert_that_slack_refuses_for_good_does_not_hold_up_the_others(moody_slack):
    for text in ("one", "REFUSE me", "three"):
        alerts.alert(text)
    assert alerts.deliver() == 2
    assert states() == [AlertState.SENT, AlertState.DROPPED, AlertState.SENT]
    assert len(moody_slack) == 2


def test_of_two_deliverers_one_delivers(slack):
    alerts.alert("once")
    held, done = threading.Event(), threading.Event()

    def other() -> None:
        with exclusive("alerts"):
            held.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    held.wait(10)
    assert alerts.deliver() == 0
    done.set()
    thread.join()
    assert alerts.deliver() == 1
    assert came(slack) == (1, "once")


@pytest.mark.processes
def test_a_deliverer_that_is_stopped_holds_the_alerts_back_for_less_than_a_minute(slack, settings):
    """[O-2] PostgreSQL ends its session, and with it the lock."""
    assert alerts.STOPPED_SECONDS + tasks.SWEEP_SECONDS < 60
    alerts.alert("once")
    stopped = Process(
        alerts.deliver,
        stopped_at="operations.alerts:_post",
        constants={
            "operations.alerts:STOPPED_SECONDS": 0.2,
            "django.conf:settings.SLACK_WEBHOOK_URL": settings.SLACK_WEBHOOK_URL,
        },
    )
    stopped.expect_stopped()
    wait_until(lambda: alerts.deliver() == 1, "the end of the lock")
    stopped.wake()
    assert stopped.wait() == 1
    assert "idle-session timeout" in stopped.errors
    assert list(Alert.objects.values_list("state", "attempts")) == [(AlertState.SENT, 1)]


def test_an_alert_within_a_minute_of_the_failure():
    """[O-2]"""
    assert tasks.SWEEP_SECONDS + alerts.TIMEOUT_SECONDS + alerts.PAUSE_SECONDS < 60


def test_o2_a_flood_of_alerts_is_delivered_piece_by_piece(slack, monkeypatch):
    """What is done beside it each 20 s does not wait."""
    monkeypatch.setattr(alerts, "MOST_REQUESTS", 2)
    for number in range(2 * alerts.BATCH + 1):
        alerts.alert(str(number))
    assert [alerts.deliver() for _ in range(3)] == [2 * alerts.BATCH, 1, 0]


def test_keeping_on_sweeping_ends_when_told_and_survives_a_database_that_is_away(monkeypatch):
    from django.db import OperationalError

    stop, sweeps = Stop(), []

    def sweep() -> int:
        sweeps.append(1)
        if len(sweeps) == 1:
            raise OperationalError("away")
        stop.set()
        return 0

    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(tasks, "sweep_jobs", sweep)
    monkeypatch.setattr(troubles, "FIRST_PAUSE", 0.0)
    tasks.keep_sweeping(stop)
    assert len(sweeps) == 2
