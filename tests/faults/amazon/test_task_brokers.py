"""Workers that are woken through Redis and SQS, over real connections; with the queue away, the row
waits for the sweep. [O-6]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django_q.conf import Conf

from datalake import tasks
from datalake.merging import scheduled
from operations.models import Job
from operations.tasks import sweep_jobs
from tests.support import cloud
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def redis(tmp_path, monkeypatch):
    """A real redis-server; its address, and what starts it again."""
    program = shutil.which("redis-server")
    assert program, "the full run needs redis-server: apt-get install redis-server"
    socket = tmp_path / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", tmp_path]
    processes = []

    def start() -> subprocess.Popen:
        socket.unlink(missing_ok=True)  # one that was killed leaves it behind
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        wait_until(socket.exists, "a Redis")
        return processes[-1]

    address = f"unix://{socket}?socket_timeout=10"
    monkeypatch.setattr(Conf, "ORM", None)
    monkeypatch.setattr(Conf, "REDIS", address)
    yield {"TASK_BROKER": "redis", "REDIS_URL": address}, start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def sqs(settings, monkeypatch):
    monkeypatch.setattr(Conf, "SQS", {"receive_message_wait_time_seconds": 1})
    monkeypatch.setattr(Conf, "BROKER_CLASS", "datalake.aws.task_broker.SqsBroker")
    with cloud.running(settings, monkeypatch) as found:
        client = found.sqs
        for queue in ("fairwave", "waves"):
            client.create_queue(QueueName=queue)
        yield {"TASK_BROKER": "sqs", "AWS_ENDPOINT_URL": found.address}


@contextmanager
def workers(broker: dict[str, str], output):
    """`manage.py qcluster` on the test's database."""
    about = connection.settings_dict
    server = about["HOST"] if about["HOST"].startswith("/") else f"{about['HOST']}:{about['PORT']}"
    url = f"postgresql://{about['USER']}@/{server}/{about['NAME']}"
    environment = (
        os.environ
        | broker
        | {
            "DATABASE_URL": url,
            "SECRET_KEY": django_settings.SECRET_KEY,
            "RECEIPT_SECRET": "a receipt secret of tests",
            "SMS_TOKEN": "a token of tests only",
            "TASK_WORKERS": "1",
            "FAIRWAVE_DATA": str(django_settings.FAIRWAVE_DATA),
        }
    )
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def is_done(job: Job, process: subprocess.Popen, output) -> bool:
    assert process.poll() is None, output.read_text()
    return Job.objects.get(pk=job.pk).state == "done"


def test_o6_workers_are_woken_through_redis_and_a_redis_that_was_away_loses_no_job(
    redis, tmp_path, bucket_folders
):
    broker, start = redis
    output = tmp_path / "workers.log"
    first = start()
    with workers(broker, output) as process:
        tasks.ask_for_merges(monthly=False)
        job = Job.objects.get()
        wait_until(lambda: is_done(job, process, output), "a job done")

        first.kill()
        first.wait()
        tasks.ask_for_merges(monthly=True)  # nobody fails
        waiting = Job.objects.exclude(pk=job.pk).get()
        assert waiting.state == "queued"
        start()
        wait_until(lambda: sweep_jobs() == 1, "a job that is enqueued again")
        wait_until(lambda: is_done(waiting, process, output), "the other job done")


def test_o6_workers_are_woken_through_sqs(sqs, tmp_path, bucket_folders):
    output = tmp_path / "workers.log"
    with workers(sqs, output) as process:
        tasks.ask_for_merges(monthly=False)
        job = Job.objects.get(kind=scheduled.JOB_KIND)
        wait_until(lambda: is_done(job, process, output), "a job done")
