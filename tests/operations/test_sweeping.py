"""What the sweeper does not do: feed a job that kills its workers, or fill a queue that nobody
hears. [O-6]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from operations import jobs, tasks
from operations.choices import JobState
from operations.models import Alert, Job
from operations.subjects import Subject

pytestmark = pytest.mark.django_db(transaction=True)


def left_behind(attempt: int) -> Job:
    """A job whose worker of this attempt is dead."""
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    past = timezone.now() - timedelta(minutes=2)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempt=attempt, lease_until=past)
    return job


def test_a_job_that_kills_its_worker_again_and_again_is_set_aside_with_an_alert(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    job = left_behind(jobs.MOST_DEATHS)
    assert tasks.sweep() == 0
    job.refresh_from_db()
    assert (job.state, enqueued) == (JobState.FAILED, [])
    assert "died 10 times" in job.error
    assert Alert.objects.get().text.startswith(":red_circle: Count sheep failed for flock 1")


def test_a_person_can_let_such_a_job_run_again(monkeypatch):
    job = left_behind(jobs.MOST_DEATHS)
    jobs.give_up()
    assert jobs.requeue(job.pk)
    assert jobs.claim(job.pk).attempt == jobs.MOST_DEATHS + 1


def test_a_job_whose_worker_died_less_often_is_enqueued_for(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    left_behind(jobs.MOST_DEATHS - 1)
    assert tasks.sweep() == len(enqueued) == 1


def test_a_job_that_is_long_but_alive_is_left_alone():
    job = left_behind(jobs.MOST_DEATHS)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert jobs.give_up() == 0


def test_nothing_more_is_enqueued_into_a_queue_that_nobody_hears(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    monkeypatch.setattr(tasks, "queue_size", lambda: tasks.FULL_QUEUE)
    left_behind(1)
    assert (tasks.sweep(), enqueued) == (0, [])
