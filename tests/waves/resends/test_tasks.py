"""Sending a code again is a job. [X-12, O-6]"""

from __future__ import annotations

import pytest

import sandbox
from operations.models import Job
from tests.support.waves import person
from tests.waves.resends.test_ask import sent_wave, wanted
from waves.models import Resend
from waves.resends import send, tasks
from waves.resends.ask import ask

pytestmark = pytest.mark.django_db(transaction=True)


def test_o6_what_no_worker_has_taken_gets_one_each_minute(settings):
    wave = sent_wave()
    ask(wanted(wave, phone="+12065550142"), by=person("desk"))
    assert list(send.waves_with_resends()) == [wave]
    tasks.wake()
    job = Job.objects.get(kind="resend")
    with sandbox.running(latency_ms=1) as box:
        settings.SMS_URL = box.url
        tasks.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out) == ("done", 1, 1)
    assert Resend.objects.get().state == "sent"
    assert not send.waves_with_resends().exists()
