"""What follows which, and nothing waits for ever for a worker. [O-6, N-5]"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.models import Registrant
from operations.choices import JobState
from operations.models import Job
from tests.support.sending import ready_wave
from tests.support.waves import campaign_with, person, request
from waves import tasks
from waves.actions import cancel
from waves.choices import SendState, WaveState
from waves.errors import MembersDiffer
from waves.lifecycle import subject_of
from waves.models import Wave
from waves.preparation.previews import preview
from waves.sending import new_messages
from waves.sending import tasks as sending_tasks

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_triggered_wave_without_a_worker_is_given_one_within_a_minute():
    wave = ready_wave(2)
    tasks.look_after()
    assert Job.objects.get(kind=sending_tasks.SEND_KIND).subject == subject_of(wave)
    assert set(OrmQ.objects.values_list("key", flat=True)) == {"waves", "fairwave"}


def test_n7_failed_messages_that_were_to_go_again_get_a_worker_too():
    wave = ready_wave(2)
    new_messages.make_sends(wave)
    Wave.objects.filter(pk=wave.pk).update(state=WaveState.COMPLETED, completed_at=timezone.now())
    tasks.look_after()
    assert Job.objects.get(kind=sending_tasks.SEND_KIND).subject == subject_of(wave)


@pytest.mark.parametrize(("minutes", "state"), [(-1, SendState.UNKNOWN), (1, SendState.SENDING)])
def test_n4_what_was_in_flight_when_its_wave_was_cancelled_becomes_unknown(minutes, state):
    """Once its sender is dead."""
    wave = ready_wave(2)
    new_messages.make_sends(wave)
    cancel(wave, by=person("bob"), reason="rain")
    lease = timezone.now() + timedelta(minutes=minutes)
    claimed = {"state": SendState.SENDING, "claim": uuid.uuid4(), "lease_until": lease}
    wave.sends.filter(channel="sms").update(**claimed)
    tasks.look_after()
    assert set(wave.sends.filter(channel="sms").values_list("state", flat=True)) == {state}


def test_o6_all_that_may_have_been_missed_is_looked_for_each_minute(monkeypatch):
    """What each of them does has its tests."""
    looked_for: set[str] = set()
    each_minute = {
        f"{owner.__name__}.{name}": (owner, name)
        for owner, name in (
            *((tasks.sending, "wake_waves"), (tasks.sending, "wake_settlers")),
            *((tasks, "notify_approvers"),),
            *((tasks.trial_messages, "settle_lost"), (tasks.resends, "wake")),
            *((tasks.results, "take_over_cancelled"), (tasks.schedule, "void_what_changed")),
            *((tasks.status_files, "sweep"), (tasks.config_files, "sweep")),
            *((tasks.count, "open_missing_jobs"), (tasks.preflights, "open_missing_jobs")),
            *((tasks.rehearse, "forget_old"), (tasks.kept, "keep_counted")),
        )
    }
    for what, (owner, name) in each_minute.items():
        monkeypatch.setattr(owner, name, lambda what=what: looked_for.add(what))
    tasks.look_after()
    assert looked_for == set(each_minute)


def test_no_job_is_opened_when_nothing_is_due():
    tasks.look_after()
    assert (Job.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_w7_a_worker_prepares_the_members_that_were_previewed_or_none():
    """What was agreed on goes with the wave to whichever worker prepares it."""
    campaign, ann = campaign_with(20), person("ann", superuser=True)
    soon = request(campaign, notify_date=timezone.now() + timedelta(hours=1))
    agreed = preview(soon, now=timezone.now()).planned.selection.members_digest
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000019").delete()
    job = tasks.start_preparation(soon, by=ann, expedite="late", previewed_digest=agreed)
    with pytest.raises(MembersDiffer, match="Preview again"):
        tasks.run_preparation(job.pk)
    job.refresh_from_db()
    wave = Wave.objects.get(name=soon.name)
    assert (job.state, wave.state, wave.attempts) == (JobState.FAILED, "configured", 0)
    assert "Preview again" in job.error
