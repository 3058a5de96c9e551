"""The one registry of job kinds, and what the apps declare in it. [O-1, O-6]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, OperationalError
from django.urls import reverse

from operations import job_kinds, jobs, tasks
from operations.choices import JobState
from operations.errors import CannotStop, Refusal, UnknownJobKind
from operations.job_kinds import (
    JobKind,
    is_fault,
    kind_named,
    register,
    registered,
    retry_what_is_transient,
    shown_kind,
)
from operations.models import Job
from operations.subjects import Subject

KINDS = {
    "archive_campaign": "campaigns.archive_campaign",
    "archive_demand": "demand.add_eventupload",
    "archive_merge": "datalake.add_merge",
    "compose_supplement": "campaigns.process_scores",
    "count_wave": "waves.prepare_wave",
    "deliver_email": "waves.send_wave",
    "erase_fan": "console.erase_fan",
    "fairness": "campaigns.process_scores",
    "fetch_entropy": "campaigns.enter_entropy",
    "import_codes": "waves.import_codes",
    "import_registrations": "campaigns.import_registrations",
    "make_proof": "campaigns.change_campaign",
    "check_parity": "datalake.add_merge",
    "merge_lake": "datalake.add_merge",
    "merge_period": "datalake.add_merge",
    "replay_dead_letters": "datalake.change_deadletter",
    "settle_dead_letters": "datalake.change_deadletter",
    "notify_approvers": "waves.approve_wave",
    "preflight_wave": "waves.prepare_wave",
    "prepare_wave": "waves.prepare_wave",
    "process_scores": "campaigns.process_scores",
    "prune": "operations.change_job",
    "query_lake": "datalake.query_lake",
    "read_s3_message": "campaigns.process_scores",
    "rehearse_wave": "waves.prepare_wave",
    "resend": "waves.resend_code",
    "send_wave": "waves.send_wave",
    "settle_unknown": "waves.send_wave",
    "suspicious_groups": "campaigns.process_scores",
    "take_arrival": "campaigns.process_scores",
    "translate_ranks": "campaigns.process_scores",
    "try_scores": "campaigns.process_scores",
    "upload_wave": "waves.upload_wave",
    "take_wave_config": "waves.upload_wave",
}


def test_the_apps_declare_these_kinds_of_jobs_and_who_may_steer_them():
    """[O-5] Steering one needs the right to do its work."""
    assert {kind.name: kind.right for kind in registered()} == KINDS
    also = {kind.name: kind.or_rights for kind in registered() if kind.or_rights}
    assert also == {
        "count_wave": ("waves.approve_wave", "waves.upload_wave"),
        "notify_approvers": ("waves.prepare_wave",),
        "preflight_wave": ("waves.approve_wave",),
        "rehearse_wave": ("waves.approve_wave",),
    }


@pytest.mark.parametrize("kind", registered(), ids=lambda kind: kind.name)
@pytest.mark.django_db
def test_a_kind_has_words_a_page_and_a_right_that_exist(kind):
    """[O-5]"""
    app, _, codename = kind.right.partition(".")
    assert Permission.objects.filter(content_type__app_label=app, codename=codename).exists()
    assert kind.words[0].isupper()
    assert "_" not in kind.words
    assert not kind.page or reverse(kind.page, args=["1"])
    assert callable(kind.run)


def test_only_score_files_event_uploads_and_queries_have_to_be_tidied_after_cancelling():
    tidied = {kind.name for kind in registered() if kind.tidy is not job_kinds.nothing_to_tidy}
    assert tidied == {"process_scores", "archive_demand", "query_lake"}


def test_only_kinds_whose_work_looks_for_a_request_to_stop_can_be_paused():
    """[O-1] A test of each of these shows that it obeys."""
    assert {kind.name for kind in registered() if kind.can_pause} == {
        "archive_demand",
        "compose_supplement",
        "check_parity",
        "count_wave",
        "import_codes",
        "import_registrations",
        "merge_lake",
        "merge_period",
        "replay_dead_letters",
        "settle_dead_letters",
        "process_scores",
        "prune",
        "query_lake",
        "translate_ranks",
        "try_scores",
    }


@pytest.mark.parametrize("how", ["pause", "cancel"])
@pytest.mark.django_db
def test_to_stop_a_job_that_cannot_be_paused_is_refused(how):
    """[O-1] The wave is paused, not the job that sends it."""
    job = jobs.open_job("send_wave", Subject("wave", "12345_20260120"))
    with pytest.raises(CannotStop, match="'Send wave' cannot be paused or cancelled"):
        jobs.request_stop(job.pk, how)
    job.refresh_from_db()
    assert (job.state, job.stop_requested) == (JobState.QUEUED, "")


def test_a_name_cannot_be_registered_twice(monkeypatch):
    monkeypatch.setattr(job_kinds, "_KINDS", {})
    register([JobKind("count_sheep", "Count sheep", int)])
    with pytest.raises(ValueError, match="'count_sheep' is registered twice"):
        register([JobKind("count_sheep", "Count sheep again", int)])
    assert kind_named("count_sheep").words == "Count sheep"


def test_an_unknown_kind_is_refused_in_one_sentence():
    with pytest.raises(UnknownJobKind) as refusal:
        kind_named("count_sheep")
    assert str(refusal.value).startswith("'count_sheep' is not a kind of job. The kinds are: arch")


@pytest.mark.django_db
def test_a_job_of_an_unknown_kind_waits_for_a_worker_that_knows_it(caplog):
    """A worker of an older release must not fail what a newer one will do."""
    job = Job.objects.create(kind="count_sheep", subject_kind="flock")
    tasks.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    (refused,) = [record for record in caplog.records if record.message == "job refused"]
    assert "'count_sheep' is not a kind of job" in refused.why


def test_an_unknown_kind_can_still_be_shown():
    kind = shown_kind("count_sheep")
    assert (kind.words, kind.page, kind.right) == ("Count sheep", "", "operations.change_job")
    with pytest.raises(UnknownJobKind):
        kind.run(1)


class Away(Refusal):
    """What we ask does not answer."""

    is_transient = True


class Nonsense(Refusal):
    """What we ask answers what cannot be right."""

    is_fault = True


def test_pauses_before_a_retry_double_up_to_ten_minutes_and_never_end():
    """[O-6]"""
    pauses = [retry_what_is_transient(Job(retries=n), OSError()) for n in range(6)]
    assert pauses == [timedelta(seconds=n) for n in (30, 60, 120, 240, 480, 600)]
    assert retry_what_is_transient(Job(retries=10_000), OSError()) == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("error", "transient", "fault"),
    [
        (OSError("disk"), True, True),
        (OperationalError("gone"), True, True),
        (Away("away"), True, True),
        (Refusal("no"), False, False),
        (Nonsense("?"), False, True),
        (IntegrityError("ledger"), False, True),
    ],
)
def test_only_what_was_away_is_tried_again(error, transient, fault):
    """[O-6]"""
    assert (retry_what_is_transient(Job(), error) is not None, is_fault(error)) == (
        transient,
        fault,
    )
