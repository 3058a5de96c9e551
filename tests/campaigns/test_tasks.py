"""Each task calls one step and starts the next. [O-1]"""

from __future__ import annotations

import threading

import pytest

from campaigns import tasks
from campaigns.choices import ScoreFileState
from campaigns.entropy.entry import enter_entropy
from campaigns.errors import (
    BadCorrection,
)
from campaigns.fairness import reports
from campaigns.fairness.suspicious import reports as suspicious
from campaigns.models import (
    Campaign,
    ScoreFile,
)
from campaigns.ranks import rank_files
from campaigns.scoring import dry_run, score_files
from campaigns.supplements import supplements
from datalake.aws.sqs import SqsQueue
from operations.choices import JobState
from operations.job_kinds import kind_named
from operations.models import Alert, Job
from tests.campaigns.intake.dropped_files import CONTENT, drop
from tests.campaigns.ranks.rank_cases import ranks_of
from tests.campaigns.supplements.supplement_cases import as_csv, corrected, rejected_rows
from tests.support import cloud
from tests.support.campaigns import (
    in_memory,
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.people import why_late
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


def work_off(job: Job) -> ScoreFile | None:
    """A worker's round: the supplement is made, then processed by the job that waits for it."""
    tasks.run_supplement(job.pk)
    made = ScoreFile.objects.order_by("-id").first()
    return score_files.process(
        Job.objects.get(kind=score_files.JOB_KIND, subject_id=str(made.pk)).pk
    )  # type: ignore[union-attr]


def test_s14_a_worker_makes_the_supplement_and_has_it_processed():
    parent = process_scores(make_campaign(), messy())
    content = as_csv(corrected(rejected_rows(parent)))
    job = tasks.start_supplement(
        parent, in_memory(content), activate=False, **why_late(parent.campaign)
    )
    assert ScoreFile.objects.count() == 1
    child = work_off(job)
    assert child is not None
    assert (child.supplement_of, child.state) == (parent, ScoreFileState.STREAMED)
    assert Campaign.objects.get().active_score_file == parent
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out) == (
        JobState.DONE,
        parent.rejected,
        parent.rejected,
    )
    tasks.run_supplement(
        tasks.start_supplement(
            parent, in_memory(content), activate=False, **why_late(parent.campaign)
        ).pk
    )
    assert ScoreFile.objects.count() == 2


def test_s14_what_is_wrong_further_down_fails_the_job_and_says_so():
    parent = process_scores(make_campaign(), messy())
    rows = rejected_rows(parent)
    job = tasks.start_supplement(
        parent, in_memory(as_csv([*rows, rows[4]])), activate=True, **why_late(parent.campaign)
    )
    with pytest.raises(BadCorrection):
        supplements.process(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "appears twice" in job.error
    assert ScoreFile.objects.count() == 1


def test_a_worker_translates_then_another_processes():
    campaign = make_campaign()
    stored = rank_files.store(
        campaign, "club", "ranks.csv", in_memory(ranks_of(3)), by=None, activate=False
    )
    job = tasks.start_ranks(stored, by=None)
    tasks.run_ranks(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out, job.percent) == (JobState.DONE, 3, 3, 100)
    score_file = ScoreFile.objects.get()
    assert not score_file.activate_when_streamed
    assert Job.objects.get(kind=score_files.JOB_KIND).subject == score_files.subject_of(score_file)


def test_s1_a_file_of_a_campaign_that_is_not_open_is_refused_once():
    campaign = make_campaign(opened=False)
    drop(f"scored/{campaign.campaign_id}.1.txt")
    tasks.look_for_dropped_files()
    tasks.tasks.run_job(Job.objects.get().pk)
    tasks.look_for_dropped_files()
    job = Job.objects.get()
    assert "possible only while it is open" in job.error
    assert Alert.objects.count() == 1


def test_s1_each_minute_dropped_files_are_taken_in_and_then_processed(
    monkeypatch,
):
    campaign = make_campaign()
    drop(f"scored/{campaign.campaign_id}.1.txt")
    enqueued: list[Job] = []
    monkeypatch.setattr(tasks.tasks, "enqueue", enqueued.append)
    tasks.look_for_dropped_files()
    tasks.run_arrival(enqueued[0].pk)
    assert [job.kind for job in enqueued] == ["take_arrival", "process_scores"]


def test_x3_a_worker_that_has_processed_a_file_asks_for_its_report():
    score_file = receive_scores(make_campaign(), score_file_bytes([score_row(1), score_row(2)]))
    job = tasks.start_score_file(score_file, by=None)
    tasks.run_score_file(job.pk)
    assert Job.objects.get(kind="fairness").subject == reports.subject_of(score_file)


def test_x13_a_worker_that_has_processed_a_file_asks_for_its_suspicious_groups():
    score_file = receive_scores(make_campaign(), score_file_bytes([score_row(1), score_row(2)]))
    tasks.run_score_file(tasks.start_score_file(score_file, by=None).pk)
    job = Job.objects.get(kind="suspicious_groups")
    assert job.subject == suspicious.subject_of(score_file)


def test_x13_files_that_a_command_processed_are_looked_at_once():
    score_file = process_scores(make_campaign())
    assert suspicious.without_groups() == [score_file]
    tasks.look_for_missing_reports()
    tasks.look_for_missing_reports()
    assert Job.objects.filter(kind="suspicious_groups").count() == 1


def test_x3_files_that_a_command_processed_are_found_once():
    score_file = process_scores(make_campaign())
    assert reports.without_report() == [score_file]
    tasks.look_for_missing_reports()
    assert reports.without_report() == []
    assert Job.objects.filter(kind="fairness").count() == 1


def test_s8_a_file_that_still_waits_though_its_value_is_there_is_found_and_drawn_once():
    """Who entered the value was cut off, or its job was just about to end."""
    campaign = make_campaign(entropy_source="drand round 5551234")
    waiting = process_scores(campaign)
    tasks.look_for_waiting_files()
    enter_entropy(campaign.pk, "4a7f", by=None)
    tasks.look_for_waiting_files()
    tasks.look_for_waiting_files()
    job = Job.objects.get(kind="process_scores", state="queued")
    tasks.run_score_file(job.pk)
    waiting.refresh_from_db()
    assert waiting.state == "streamed"


def test_the_task_tries_all_rows():
    score_file = receive_scores(make_campaign(), messy())
    job = tasks.start_dry_run(score_file, by=None)
    assert (job.kind, job.subject) == ("try_scores", score_files.subject_of(score_file))
    assert kind_named(job.kind).run is dry_run.check_all_rows
    assert tasks.start_dry_run(score_file, by=None) == job


def test_s1_a_queue_that_is_away_for_a_moment_is_waited_for(aws, monkeypatch):
    stop, campaign = threading.Event(), make_campaign()
    monkeypatch.setattr("operations.services.queues.PAUSE_SECONDS", 0.01)
    cloud.notify_queue(aws)
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)
    real, failed = SqsQueue.receive, []

    def shaky(queue, *, wait_seconds):
        if not failed:
            failed.append(True)
            return real(
                SqsQueue("http://127.0.0.1:1/nothing", endpoint="http://127.0.0.1:1"),
                wait_seconds=0,
            )
        stop.set()
        return real(queue, wait_seconds=0)

    monkeypatch.setattr(SqsQueue, "receive", shaky)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    received = tasks.consume_s3_events(SqsQueue(aws.queue, endpoint=aws.address), stop=stop)
    assert (received.messages, Job.objects.count()) == (1, 1)  # the sweep enqueues it
