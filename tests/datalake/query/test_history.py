"""Queries as rows: who asked what, and what became of it. [L-8, O-7]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from datalake.errors import NoSuchObject, QueryRefused
from datalake.query import history, local, remote
from datalake.query.local import Answer
from datalake.query.models import LakeQuery
from operations import jobs
from operations.choices import JobState
from operations.errors import BadValue, LeaseLost, error_text
from operations.models import Alert, Job
from tests.support.people import staff

pytestmark = pytest.mark.django_db(transaction=True)
SQL = "SELECT email FROM registration WHERE globalUserId = 'fan-1'"
FOUND = Answer([("email", "string")], [["fan@example.com"], [None]], True, 3, 900)


@pytest.fixture
def analyst():
    return staff("ana", "datalake.query_lake")


@pytest.fixture
def engine(monkeypatch):
    """What the engine does instead: called with the SQL and the stop's question."""

    def engine(act):
        monkeypatch.setattr(local, "run", lambda sql, *, check, **others: act(check))

    return engine


def fails(error):
    def act(check):
        raise error

    return act


def test_a_query_is_kept_with_who_when_text_rows_and_seconds(analyst, engine):
    engine(lambda check: FOUND)
    query, job = history.open_query(f"  {SQL}\n", by=analyst)
    history.run(job.pk)
    query.refresh_from_db()
    assert (query.sql, query.by, query.state, query.error) == (SQL, analyst, "done", "")
    assert (query.rows, query.cut, query.files, query.bytes_read) == (2, True, 3, 900)
    assert query.asked_at <= query.finished_at
    assert query.seconds >= 0
    assert history.rows_of(query) == FOUND.rows
    assert Job.objects.get(pk=job.pk).state == JobState.DONE


def test_a_query_goes_to_athena_where_that_is_configured(analyst, engine, monkeypatch, settings):
    settings.ATHENA_WORKGROUP = "analysts"
    asked = []
    monkeypatch.setattr(remote, "run", lambda sql, **others: asked.append(sql) or FOUND)
    query, job = history.open_query(SQL, by=analyst)
    history.run(job.pk)
    query.refresh_from_db()
    assert (asked, query.state, query.rows) == ([SQL], "done", 2)


def test_neither_text_nor_answer_is_in_the_job_or_the_log(analyst, engine, caplog):
    """[O-6]"""
    caplog.set_level("DEBUG")
    engine(fails(QueryRefused("Cannot cast string 'fan@example.com'.")))
    _, job = history.open_query(SQL, by=analyst)
    history.run(job.pk)
    row = Job.objects.filter(pk=job.pk).values().get()
    assert "fan" not in f"{row}{caplog.text}"


def test_a_refused_query_ends_its_job_well_and_alerts_nobody(analyst, engine):
    engine(fails(QueryRefused("Cannot cast string '\x00a'.")))
    query, job = history.open_query(SQL, by=analyst)
    history.run(job.pk)
    query.refresh_from_db()
    assert (query.state, query.error) == ("refused", r"Cannot cast string '\x00a'.")
    assert query.finished_at
    assert Job.objects.get(pk=job.pk).state == JobState.DONE
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    "error",
    [OSError("the bucket is away"), NoSuchObject("a.avro is gone"), KeyError("no such column")],
)
def test_whatever_goes_wrong_fails_the_job_and_ends_the_query(analyst, engine, error):
    engine(fails(error))
    query, job = history.open_query(SQL, by=analyst)
    with pytest.raises(type(error)):
        history.run(job.pk)
    query.refresh_from_db()
    assert (query.state, query.error) == ("refused", error_text(error))
    assert Job.objects.get(pk=job.pk).state == JobState.FAILED


def test_o6_a_query_that_kills_its_workers_is_ended_by_the_sweep(analyst):
    query, job = history.open_query(SQL, by=analyst)
    LakeQuery.objects.update(state="running")
    killed = Job.objects.filter(pk=job.pk)
    past = timezone.now() - timedelta(hours=1)
    killed.update(state=JobState.RUNNING, deaths=jobs.MOST_DEATHS, lease_until=past)
    assert jobs.give_up() == 1
    query.refresh_from_db()
    assert (query.state, query.error) == ("refused", killed.get().error)


@pytest.mark.parametrize(
    ("how", "state", "over"), [("cancel", "stopped", True), ("pause", "queued", False)]
)
def test_a_query_is_stopped_while_it_runs(analyst, engine, how, state, over):
    def act(check):
        jobs.request_stop(job.pk, how)
        check()

    engine(act)
    query, job = history.open_query(SQL, by=analyst)
    history.run(job.pk)
    query.refresh_from_db()
    assert (query.state, query.finished_at is not None) == (state, over)


def test_a_query_is_stopped_before_it_runs(analyst):
    query, job = history.open_query(SQL, by=analyst)
    assert jobs.request_stop(job.pk, "cancel")
    query.refresh_from_db()
    assert query.state == "stopped"


def test_a_query_that_was_taken_over_is_not_written_by_the_earlier_attempt(analyst, engine):
    """[O-6]"""

    def act(check):
        Job.objects.filter(pk=job.pk).update(attempt=2)
        return FOUND

    engine(act)
    query, job = history.open_query(SQL, by=analyst)
    with pytest.raises(LeaseLost):
        history.run(job.pk)
    query.refresh_from_db()
    assert (query.state, query.answer) == ("running", None)


@pytest.mark.parametrize(
    "sql", ["", "  \n", "SELECT 1\x00", "SELECT '\ud800'", "x" * (history.LONGEST_SQL + 1)]
)
def test_what_is_no_text_of_a_query_is_refused_at_the_door(analyst, sql):
    """[C-2]"""
    with pytest.raises((QueryRefused, BadValue)):
        history.open_query(sql, by=analyst)
    assert not LakeQuery.objects.exists()


def test_a_result_is_deleted_after_a_day_and_the_query_stays(analyst, engine):
    engine(lambda check: FOUND)
    now = timezone.now()
    for hours in (23, 25):
        query, job = history.open_query(f"{SQL} -- {hours}", by=analyst)
        history.run(job.pk)
        LakeQuery.objects.filter(pk=query.pk).update(finished_at=now - timedelta(hours=hours))
    assert history.forget_answers(now) == 1
    new, old = LakeQuery.objects.order_by("-finished_at")
    assert history.rows_of(new) == FOUND.rows
    assert history.rows_of(old) is None
    assert (old.rows, old.state) == (2, "done")
