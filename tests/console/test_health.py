"""Whether the site lives, and whether it is ready. [O-6]"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from operations import jobs
from operations.models import Job
from operations.subjects import Subject
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db


def test_a_site_without_workers_lives_but_is_not_ready():
    assert Client().get("/healthz").json() == {"ok": True}
    ready = Client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json() | {"workers": ""} == {
        "ok": False,
        "database": "ok",
        "storage": "ok",
        "workers": "",
    }
    assert "no worker is running" in ready.json()["workers"]


def test_a_site_whose_workers_are_connected_is_ready_until_jobs_wait_too_long():
    with psycopg.connect(**psycopg_arguments(), application_name="fairwave qcluster"):
        assert Client().get("/readyz").json()["ok"]
        Job.objects.filter(pk=jobs.open_job("prepare_wave", Subject("wave", "1")).pk).update(
            created_at=NOW
        )
        assert "1 job has waited" in Client().get("/readyz").json()["workers"]


def psycopg_arguments() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {
        name: given[name]
        for name in ("dbname", "user", "password", "host", "port")
        if given.get(name)
    }
