"""Whether the site lives, whether it is ready, and what its services do. [O-2, O-6]"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import health
from operations import jobs
from operations.models import Heartbeat, Job
from operations.services import heartbeats
from operations.subjects import Subject
from stats.models import Metric
from tests.support.lake import publish_registrations
from tests.support.people import client_of, member_of, staff
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db


def all_run() -> None:
    for number, name in enumerate(heartbeats.EXPECTED, 1):
        heartbeats.begin(name, host="here", pid=number)


def one_falls_silent(service: str) -> None:
    rows = Heartbeat.objects.filter(service=service)
    rows.update(beat_at=F("beat_at") - timedelta(minutes=4))


def ready() -> Any:
    """What `/readyz` answers when it asks again."""
    health.READINESS.forget()
    return Client().get("/readyz")


def test_o2_a_site_without_workers_is_ready_and_says_what_does_not_run():
    assert Client().get("/healthz").json() == {"ok": True}
    answer = ready()
    assert answer.status_code == 200
    parts = {"database": "ok", "storage": "ok", "jobs": "ok"}
    assert answer.json() == {"ok": True} | parts | dict.fromkeys(heartbeats.EXPECTED, "not running")


def test_o2_a_silent_service_is_in_the_body_which_names_no_machine():
    all_run()
    assert set(ready().json().values()) == {"ok", True}
    one_falls_silent("consumers")
    answer = ready()
    assert answer.status_code == 200
    assert answer.json()["consumers"] == "silent for more than 3 minutes"


def test_o2_only_database_and_storage_decide_about_readiness(monkeypatch, bucket_folders):
    all_run()
    (bucket_folders / "scoring").touch()
    answer = ready()
    assert answer.status_code == 503
    assert answer.json()["storage"] == "scoring bucket cannot store files"
    (bucket_folders / "scoring").unlink()

    def away() -> None:
        raise OperationalError("connection to db.internal refused")

    monkeypatch.setattr(connection, "cursor", away)
    answer = ready()
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "database": "does not respond", "storage": "ok"}


def test_o2_whoever_asks_whether_the_site_is_ready_writes_nothing(bucket_folders):
    with CaptureQueriesContext(connection) as asked:
        assert ready().status_code == 200
    assert asked.captured_queries
    assert {query["sql"].split()[0] for query in asked.captured_queries} == {"SELECT"}
    assert list(bucket_folders.iterdir()) == []


def test_o2_database_and_storage_are_asked_once_for_many_requests(monkeypatch):
    calls: list[str] = []
    monkeypatch.setattr(health, "_storage", lambda: calls.append("storage") or "ok")
    assert {answer.status_code for answer in (ready(), *map(Client().get, 20 * ["/readyz"]))} == {
        200
    }
    assert calls == ["storage"]
    with CaptureQueriesContext(connection) as asked:
        Client().get("/readyz")
    assert len(asked) == 0


def test_o2_a_site_whose_storage_gives_no_answer_is_not_ready(monkeypatch):
    """While one request waits for it, the others are told so."""
    monkeypatch.setattr(health.READINESS, "get", lambda: ({"database": "ok", "storage": "ok"}, 31))
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database and storage"] == "no answer for more than 30 s"


def test_a_job_that_waits_too_long_for_a_worker_is_in_the_body():
    job = jobs.open_job("prepare_wave", Subject("wave", "1"))
    Job.objects.filter(pk=job.pk).update(created_at=NOW)
    assert "1 job has waited" in ready().json()["jobs"]


def test_o2_metrics_show_heartbeats_to_prometheus_and_to_those_who_may_see_jobs(settings):
    all_run()
    one_falls_silent("scheduler")
    bearer = {"Authorization": "Bearer a-long-token"}
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403
    assert Client().get("/metrics", headers=bearer).status_code == 403
    assert client_of(staff("newcomer")).get("/metrics").status_code == 403
    assert client_of(member_of("operator")).get("/metrics").status_code == 200
    settings.METRICS_TOKEN = "a-long-token"
    answer = Client().get("/metrics", headers=bearer)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.content.decode().splitlines()
    assert 'fairwave_service_up{service="workers"} 1' in lines
    assert 'fairwave_service_up{service="scheduler"} 0' in lines
    ages = [line for line in lines if line.startswith("fairwave_heartbeat_age_seconds{")]
    assert len(ages) == len(heartbeats.EXPECTED)
    (silent,) = (line for line in ages if 'service="scheduler",host="here",pid="3"' in line)
    assert float(silent.split()[-1]) > 180


def test_o2_a_name_cannot_break_out_of_its_label():
    heartbeats.begin('change events of "a"\n', host="here", pid=9)
    text = client_of(member_of("operator")).get("/metrics").content.decode()
    assert 'service="change events of \\"a\\"\\n"' in text


def test_t1_metrics_show_what_each_consumer_is_behind(settings):
    settings.METRICS_TOKEN = "token"
    publish_registrations(1, 2, 3, key="a")
    lines = Client(headers={"Authorization": "Bearer token"}).get("/metrics").content.decode()
    assert 'fairwave_consumer_lag_records{consumer="lake",stream="input"} 3\n' in lines
    assert 'fairwave_consumer_lag_seconds{consumer="lake",stream="input"} 0.' in lines
    assert 'fairwave_consumer_lag_seconds{consumer="lake",stream="scored"} 0\n' in lines


def test_o8_metrics_hold_what_was_measured_beside_its_target(settings):
    settings.METRICS_TOKEN = "token"
    Metric.objects.create(name="job_success", value=98.5, samples=200, measured_at=NOW)
    Metric.objects.create(name="merge_success", value=None, measured_at=NOW)
    lines = Client(headers={"Authorization": "Bearer token"}).get("/metrics").content.decode()
    found = [line for line in lines.splitlines() if line.startswith("fairwave_success_metric")]
    labels = '{metric="job_success",unit="percent"}'
    assert found == [
        f"fairwave_success_metric_value{labels} 98.5",
        f"fairwave_success_metric_target{labels} 99",
        f"fairwave_success_metric_met{labels} 0",
    ]
