"""What a job works on stands in columns, and one piece of work has one live job. [O-1, O-6]"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction

from operations import jobs
from operations.choices import LIVE_JOBS, JobState
from operations.models import Job, StatusChange
from operations.subjects import Subject
from tests.support.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)
SHEEP = Subject("flock", "1")


def ended(state: JobState, **values: object) -> Job:
    """A job on SHEEP that is in this state."""
    job = jobs.open_job("count_sheep", SHEEP)
    error = "no" if state == JobState.FAILED else ""
    Job.objects.filter(pk=job.pk).update(state=state, error=error, **values)
    return Job.objects.get(pk=job.pk)


def reopened() -> Job:
    return jobs.open_or_requeue("count_sheep", SHEEP, by=None)


def test_a_subject_reads_as_a_noun_and_what_it_is_found_by():
    assert str(Subject("score_file", "12")) == "score file 12"
    assert str(Subject("email_queue")) == "email queue"


def test_a_job_names_its_subject_in_two_columns():
    job = jobs.open_job("count_sheep", SHEEP, arguments={"name": "north.txt"})
    assert (job.subject_kind, job.subject_id, job.subject) == ("flock", "1", SHEEP)
    assert (str(job), job.works_on) == ("count_sheep flock 1", "flock 1 (north.txt)")
    assert Job.objects.about(SHEEP).get() == job
    assert not Job.objects.about(Subject("flock", "2")).exists()
    assert not Job.objects.about(Subject("herd", "1")).exists()


def test_a_change_of_state_names_its_subject_in_two_columns():
    """[W-2]"""
    jobs.record_move(SHEEP, "asleep", "awake", by=None)
    change = StatusChange.objects.about(SHEEP).get()
    assert str(change) == "flock 1: asleep → awake"


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "shear_sheep"},
        {"subject_kind": "herd"},
        {"subject_id": "2"},
        {"arguments": {"by": "night"}},
    ],
)
def test_there_is_one_live_job_for_each_kind_subject_and_arguments(other):
    same = {"kind": "count_sheep", "subject_kind": "flock", "subject_id": "1", "arguments": {}}
    Job.objects.create(**same)
    with pytest.raises(IntegrityError, match="job_one_live"), transaction.atomic():
        Job.objects.create(**same)
    Job.objects.create(**same | other)
    assert Job.objects.count() == 2


def test_asking_twice_with_the_same_arguments_is_asking_once():
    first = jobs.open_job("count_sheep", SHEEP, arguments={"by": "night", "twice": True})
    again = jobs.open_job("count_sheep", SHEEP, arguments={"twice": True, "by": "night"})
    other = jobs.open_job("count_sheep", SHEEP, arguments={"by": "day", "twice": True})
    assert (again.pk, other.pk != first.pk) == (first.pk, True)
    assert jobs.open_job("count_sheep", SHEEP, arguments=other.arguments).pk == other.pk


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.FAILED])
def test_a_paused_or_failed_job_is_queued_again(state):
    job = ended(state, progress=3)
    again = reopened()
    assert (again.pk, again.state, again.progress, again.error) == (job.pk, JobState.QUEUED, 3, "")


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_live_job_is_the_one_that_is_asked_for(state):
    job = ended(state)
    again = reopened()
    assert (again.pk, again.state) == (job.pk, state)


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELLED])
def test_after_a_job_that_is_over_there_is_a_new_one(state):
    job = ended(state)
    assert reopened().pk != job.pk


def test_a_failed_job_with_other_arguments_is_left_alone():
    failed = ended(JobState.FAILED, arguments={"by": "night"})
    assert reopened().pk != failed.pk
    failed.refresh_from_db()
    assert failed.state == JobState.FAILED


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.PAUSED, JobState.DONE])
def test_two_that_ask_at_once_get_one_job(state, monkeypatch):
    """Both have read the last job before either writes."""
    ended(state)
    both, requeue, create = threading.Barrier(2), jobs.requeue, Job.objects.create

    def requeue_together(job_id: int) -> bool:
        both.wait(LIMIT_SECONDS)
        return requeue(job_id)

    def create_together(**values: object) -> Job:
        if state == JobState.DONE:
            both.wait(LIMIT_SECONDS)
        return create(**values)

    def ask() -> int:
        try:
            return reopened().pk
        finally:
            connections.close_all()

    monkeypatch.setattr(jobs, "requeue", requeue_together)
    monkeypatch.setattr(Job.objects, "create", create_together)
    with ThreadPoolExecutor(2) as people:
        asked = [people.submit(ask) for _ in range(2)]
        first, second = (each.result(LIMIT_SECONDS) for each in asked)
    assert first == second
    assert Job.objects.filter(state__in=LIVE_JOBS).count() == 1
