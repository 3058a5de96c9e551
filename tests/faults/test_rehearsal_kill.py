"""The rehearsal of a wave whose worker is killed anywhere, and the next one: each message is
recorded once, as by an undisturbed one. [X-6, O-6]
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from operations.choices import JobState
from operations.models import Job
from tests.faults.test_taken_over import wait_for_lease_to_end, worker
from tests.support.waves import NOW, campaign_with, person, request
from waves.models import Rehearsal, RehearsalSend, Sender, Wave
from waves.preparation.prepare import prepare
from waves.tasks import run_rehearsal, start_rehearsal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
KILLS = [
    ("waves.sending.send_rows:record_sent", False),  # SMS are recorded by the provider alone
    ("waves.rehearsal.rehearse:make_rows", False),
    ("waves.rehearsal.rehearse:make_rows", True),
    ("waves.sending.send_rows:claim", True),
    ("waves.sending.send_rows:record_sent", True),
    ("waves.rehearsal.rehearse:_send_batch", False),
    ("waves.rehearsal.rehearse:_send_batch", True),
    ("waves.rehearsal.rehearse:_finish", False),
    ("waves.rehearsal.rehearse:_finish", True),
]


def begin(wave: Wave) -> Job:
    start_rehearsal(wave, by=person("ann"))
    return Job.objects.get(kind="rehearse_wave", subject_id=wave.name)


def end(wave: Wave) -> dict[str, Any]:
    """What there is in the end, whoever the fans are: each campaign draws its own."""
    rehearsal = Rehearsal.objects.get(wave=wave)
    messages = RehearsalSend.objects.filter(rehearsal=rehearsal)
    return {
        "rehearsal": (rehearsal.state, rehearsal.ended, rehearsal.ok, rehearsal.total),
        "messages": sorted(messages.values_list("channel", "state")),
        "recorded": messages.exclude(provider_id="").count(),
    }


@pytest.mark.parametrize(("point", "after"), KILLS if FULL else KILLS[:1])
def test_x6_after_a_killed_rehearsal_the_next_worker_sends_what_is_left(point, after, settings):
    settings.JOB_LEASE_SECONDS = 1
    wave, peaceful = (
        prepare(request(campaign_with(30)), by=person("ann"), now=NOW).wave for _ in range(2)
    )
    run_rehearsal(begin(peaceful).pk)
    job = begin(wave)
    assert worker(job, killed_at=point, after=after).wait() < 0
    wait_for_lease_to_end(job)
    # what the dead one held of messages and slots is free at once
    over = timezone.now() - timedelta(days=1)
    RehearsalSend.objects.filter(state="sending").update(lease_until=over)
    Sender.objects.update(lease_until=over)
    assert worker(job).wait() == 0
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    assert end(wave) == end(peaceful)
