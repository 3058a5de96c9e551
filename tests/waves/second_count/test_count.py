"""The second count as a job: it is asked for, resumes, stops, and is fenced. [X-14, O-6]"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns.locks import no_wave_selects
from campaigns.models import Registrant
from datalake.storage import buckets
from operations.choices import JobState
from operations.database.statements import run
from operations.errors import LeaseLost
from operations.models import Job
from tests.support.database import kept
from tests.support.waves import (
    NOTIFY,
    NOW,
    approve,
    campaign_with,
    counted,
    person,
    recounted_here,
    request,
)
from waves import tasks
from waves.actions import reschedule, reset
from waves.approval import renew
from waves.errors import SecondCountFailed
from waves.locks import lock_wave
from waves.models import Member, Template, Wave
from waves.naming import attempt_prefix
from waves.preparation import submission
from waves.preparation.prepare import prepare
from waves.second_count import count
from waves.second_count.verdict import is_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave() -> Wave:
    return kept.prepared()


def job_of(wave: Wave) -> Job:
    return Job.objects.filter(kind=count.JOB_KIND, subject_id=wave.name).latest("id")


def kept_facts(wave: Wave) -> list[str]:
    prefix = attempt_prefix(wave.campaign.campaign_id, wave.date_key)
    return [key for key in buckets.scoring().list(prefix) if key.endswith(".facts")]


def test_x14_a_worker_counts_a_wave_as_soon_as_it_has_prepared_it():
    campaign = campaign_with(12)
    job = submission.submit(request(campaign), by=person("ann"), now=NOW)
    tasks.run_preparation(job.pk)
    wave = Wave.objects.get(campaign=campaign)
    assert (wave.count_problems, wave.counted_digest) == ([], wave.content_digest)
    done = job_of(wave)
    assert (done.state, done.rows_in, done.rows_out) == (JobState.DONE, 12, 12)


def test_x14_new_messages_are_counted_again_from_the_same_sealed_facts(wave):
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    sealed = (wave.facts_key, wave.facts_digest)
    Template.objects.create(campaign=wave.campaign, channel="sms", body="Yours: {code}")
    Registrant.objects.filter(campaign=wave.campaign).delete()  # not those who were selected from
    assert renew(wave.pk, by=None, reason="texts")
    assert job_of(wave).state == JobState.QUEUED
    before = wave.counted_digest
    counted(wave)
    assert (wave.count_problems, wave.counted_digest) == ([], wave.content_digest)
    assert wave.counted_digest != before
    assert (wave.facts_key, wave.facts_digest) == sealed
    assert kept_facts(wave) == [wave.facts_key]


def test_x14_a_new_notify_date_is_counted_again(wave):
    counted(wave)
    later = {"notify_date": NOTIFY + timedelta(days=1), "by": person("ann"), "reason": "venue"}
    reschedule(wave, now=NOW, **later)
    assert is_due(wave)
    assert job_of(wave).state == JobState.QUEUED


def test_x14_a_wave_that_is_prepared_anew_gets_facts_of_its_own(wave):
    first = counted(wave).facts_key
    reset(wave, by=person("root", superuser=True), reason="again")
    assert (wave.counted_digest, wave.facts_key, wave.counted_at) == ("", "", None)
    prepare(request(wave.campaign), by=person("ann"), now=NOW)
    assert counted(wave).counted_digest == wave.content_digest
    assert kept_facts(wave) == [wave.facts_key] != [first]


def test_x14_facts_that_were_changed_in_the_bucket_agree_with_nothing(wave):
    counted(wave)
    buckets.scoring().put(wave.facts_key, b"other facts")
    Wave.objects.filter(pk=wave.pk).update(counted_digest="")
    assert counted(wave).count_problems == ["The record's facts are not those that were sealed."]


def test_x14_a_wave_whose_facts_are_gone_differs_so_that_it_can_be_reset(wave):
    buckets.scoring().delete(wave.facts_key)
    assert counted(wave).count_problems == [count.FACTS_ARE_GONE]
    assert wave.differs_digest == wave.content_digest


def test_x14_members_that_changed_behind_their_digest_agree_with_nothing(wave):
    Member.objects.filter(wave=wave, place=1).update(place=99)
    Member.objects.filter(wave=wave, place=2).update(email="other@example.com")
    assert counted(wave).counted_digest == ""
    assert wave.count_problems[0] == "Its members have changed since it was prepared."


def test_x14_a_verdict_about_a_wave_that_was_prepared_anew_meanwhile_is_dropped(wave):
    made: list[Any] = []

    def slow(*record: Any) -> Any:
        verdict = recounted_here(*record)
        made.append(verdict)
        if len(made) == 1:
            reset(wave, by=person("root", superuser=True), reason="again")
            later = NOW + timedelta(minutes=1)  # facts that say so
            prepare(request(wave.campaign), by=person("ann"), now=later)
        return verdict

    wave = count.count_here(wave, checker=slow)
    assert [verdict.agrees for verdict in made] == [True, True]
    assert (wave.attempts, wave.counted_digest) == (1, wave.content_digest)


def test_o6_a_count_that_was_taken_over_says_nothing(wave):
    def taken_over(*record: Any) -> Any:
        Job.objects.filter(kind=count.JOB_KIND).update(attempt=2)
        return recounted_here(*record)

    with pytest.raises(LeaseLost):
        count.count_here(wave, checker=taken_over)
    wave.refresh_from_db()
    assert (wave.counted_digest, wave.counted_at) == ("", None)


def test_o6_a_paused_count_goes_on_from_its_sealed_facts(wave):
    def paused(facts, claim, handed, report, check_stop) -> Any:
        Job.objects.filter(kind=count.JOB_KIND).update(stop_requested="pause")
        check_stop()

    count.count_here(wave, checker=paused)
    assert (job_of(wave).state, is_due(wave)) == (JobState.PAUSED, True)
    sealed = wave.facts_key
    count.open_missing_jobs()
    assert job_of(wave).state == JobState.PAUSED
    Job.objects.filter(kind=count.JOB_KIND).update(state=JobState.QUEUED)
    assert counted(wave).facts_key == sealed
    assert wave.counted_digest == wave.content_digest


def test_o6_a_wave_without_a_verdict_is_counted_though_its_job_was_lost(wave):
    count.open_missing_jobs()
    assert job_of(wave).state == JobState.QUEUED
    counted(wave)
    count.open_missing_jobs()
    assert Job.objects.filter(kind=count.JOB_KIND).count() == 1


def test_o6_a_checker_that_was_killed_is_tried_again(wave):
    def killed(*record: Any) -> Any:
        raise SecondCountFailed("The checker ended with -9 and no verdict.")

    with pytest.raises(SecondCountFailed):
        count.count_here(wave, checker=killed)
    failed = job_of(wave)
    assert (failed.state, failed.retry_at is not None) == (JobState.FAILED, True)
    count.open_missing_jobs()
    assert Job.objects.filter(kind=count.JOB_KIND).count() == 1


@pytest.mark.django_db(transaction=True)
def test_x14_nothing_is_locked_while_the_checker_runs(monkeypatch):
    """Neither a row nor the campaign's selection: others prepare and approve meanwhile."""
    campaign, start, seen = campaign_with(12), subprocess.Popen, []

    def others() -> bool:
        try:
            with transaction.atomic():
                run("SET LOCAL lock_timeout = '1ms'")
                lock_wave(Wave.objects.get(campaign=campaign).pk)
                return no_wave_selects(campaign.pk)
        finally:
            connection.close()

    def looks(*command: Any, **options: Any) -> Any:
        with ThreadPoolExecutor(1) as thread:
            seen.append((connection.in_atomic_block, thread.submit(others).result()))
        return start(*command, **options)

    monkeypatch.setattr(subprocess, "Popen", looks)
    tasks.run_preparation(submission.submit(request(campaign), by=person("ann"), now=NOW).pk)
    assert seen == [(False, True)]
