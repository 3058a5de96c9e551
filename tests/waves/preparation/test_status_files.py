"""The bucket is away during a preparation: the wave says what happened first, and its status file
says so as soon as it can. [W-8, W-9]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from datalake.storage import buckets
from datalake.storage.objects import BucketUnreachable
from operations.choices import JobState
from operations.models import Alert, Job
from operations.tasks import run_job
from tests.support.outages import out_of_reach
from tests.support.waves import KEY, NOW, approve, campaign_with, members_of, person, request
from tests.waves.preparation.test_prepare import files_of, status_of
from waves.actions import cancel, reset
from waves.choices import WaveState
from waves.errors import AttemptsExhausted, MembersDiffer
from waves.lifecycle import wave_named
from waves.models import Code, Wave
from waves.naming import Attempt, attempt_key, attempt_of, attempt_prefix, zip_key
from waves.preparation import status_files
from waves.preparation.prepare import prepare, run
from waves.preparation.submission import submit
from waves.tasks import look_after

pytestmark = pytest.mark.django_db

FIVE_MINUTES = timedelta(minutes=5)


def fails_to_prepare(campaign, ann, monkeypatch, *parts: str, after: int = 0) -> Wave:
    """The wave after an attempt that found the bucket away for keys with these parts."""
    with monkeypatch.context() as patch:
        out_of_reach(patch, *parts, after=after)
        with pytest.raises(BucketUnreachable):
            prepare(request(campaign), by=ann, now=NOW)
    return Wave.objects.get()


def test_w9_a_status_file_that_the_bucket_does_not_take_undoes_nothing(ann, monkeypatch):
    campaign = campaign_with(20)
    with monkeypatch.context() as patch:
        out_of_reach(patch, "/status/", after=1)
        wave = prepare(request(campaign), by=ann, now=NOW).wave
    assert (wave.state, status_of(campaign)["status"]) == (WaveState.PREPARED, "TRIGGERED")
    assert len(files_of(campaign)["masterCodes/west.csv"]) == 6
    assert approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW).approved_at == NOW
    look_after()
    assert (status_of(campaign)["status"], status_files.sweep()) == ("FINISHED", 0)


@pytest.mark.parametrize(
    ("parts", "after"),
    [
        (("/status/",), 0),
        (("/prepped/", "/status/"), 3),
        (("/prepped/", "/status/"), 4),
        (("/prepped/", "/status/"), 5),
        (("/prepped/", "/status/"), 6),
    ],
    ids=["at the first status", "at the facts", "at the zip", "at the candidates", "at the list"],
)
def test_w9_failed_is_written_before_any_file_is_touched(ann, monkeypatch, parts, after):
    campaign = campaign_with(20)
    wave = fails_to_prepare(campaign, ann, monkeypatch, *parts, after=after)
    assert (wave.state, wave.attempts) == (WaveState.FAILED, 1)
    assert "S3 did not do it" in wave.error
    assert status_files.sweep() == 1
    assert status_of(campaign)["status"] == "FAILED"
    assert not buckets.scoring().exists(zip_key(campaign.campaign_id, KEY))


def test_w9_after_a_fault_a_worker_starts_the_second_attempt_with_the_same_codes(ann, monkeypatch):
    campaign = campaign_with(20)
    fails_to_prepare(campaign, ann, monkeypatch, "/prepped/", after=3)
    job = Job.objects.get()
    assert abs(job.retry_at - timezone.now() - FIVE_MINUTES) < timedelta(minutes=1)
    reserved = dict(Code.objects.values_list("global_user_id", "code"))
    Job.objects.update(state=JobState.QUEUED, retry_at=None, error="")
    wave = run(job.pk, now=NOW)
    assert (wave.state, wave.attempts) == (WaveState.PREPARED, 2)
    assert members_of(wave) == reserved
    assert status_of(campaign)["status"] == "FINISHED"


def test_w9_a_second_fault_is_for_a_person(ann, monkeypatch, settings):
    settings.PREPARATION_RETRY_SECONDS = 7
    campaign = campaign_with(20)
    fails_to_prepare(campaign, ann, monkeypatch, "/prepped/")
    assert Job.objects.get().retry_at - timezone.now() <= timedelta(seconds=7)
    wave = fails_to_prepare(campaign, ann, monkeypatch, "/prepped/")
    assert (wave.state, wave.attempts) == (WaveState.FAILED, 2)
    assert set(Job.objects.values_list("state", "retry_at")) == {(JobState.FAILED, None)}


def test_w9_a_refusal_is_not_tried_again(ann):
    with pytest.raises(MembersDiffer):
        prepare(request(campaign_with(20)), by=ann, now=NOW, previewed_digest="0" * 64)
    assert Job.objects.get().retry_at is None


def test_w9_what_fails_before_an_attempt_is_counted_uses_none(ann, monkeypatch):
    campaign = campaign_with(20)
    job = submit(request(campaign), by=ann, now=NOW)
    with monkeypatch.context() as patch:
        out_of_reach(patch, "/data/")
        for _ in range(3):
            with pytest.raises(BucketUnreachable):
                run_job(job.pk)
            assert Job.objects.get().retry_at is not None
            Job.objects.update(state=JobState.QUEUED, retry_at=None, error="")
    assert run(job.pk, now=NOW).attempts == 1


@pytest.mark.parametrize("act", [reset, cancel])
def test_w9_a_wave_that_a_person_reset_or_cancelled_is_not_prepared_again(
    ann, root, monkeypatch, act
):
    wave = fails_to_prepare(campaign_with(20), ann, monkeypatch, "/prepped/")
    act(wave, by=root, reason="rain")
    assert Job.objects.get().retry_at is None


@pytest.mark.parametrize("is_away", [False, True], ids=["at once", "once the bucket is back"])
@pytest.mark.parametrize("act", [reset, cancel])
def test_w8_what_others_read_of_a_wave_goes_when_it_is_reset_or_cancelled(
    ann, root, monkeypatch, act, is_away
):
    """A cancelled wave keeps its own zip, candidates and waiting list: it was drawn."""
    campaign, bucket = campaign_with(20), buckets.scoring()
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    kept = {wave.zip_key, wave.candidates_key, wave.waiting_key, wave.facts_key}
    own = kept if act is cancel else set()
    assert len(list(bucket.list("wavePrep/"))) == 6
    with monkeypatch.context() as patch:
        if is_away:
            out_of_reach(patch, "/prepped/", "/status/")
        act(wave, by=root, reason="rain")
    if is_away:
        assert status_of(campaign)["status"] == "FINISHED"
        look_after()
    assert set(bucket.list("wavePrep/")) == own
    assert status_files.sweep() == 0


def test_o6_a_zombie_that_publishes_late_leaves_a_reset_wave_without_files(ann, root, monkeypatch):
    """It had read the row before the reset, and writes after it."""
    campaign, bucket = campaign_with(20), buckets.scoring()
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    made_by, real = attempt_of(wave.zip_key), status_files.delete_uncounted

    def meanwhile(*arguments: object) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(status_files, "delete_uncounted", real)
            real(*arguments)
            zip_of_it = bucket.open(wave.zip_key).read()
            reset(wave_named(wave.name), by=root, reason="rain")
            bucket.put(arguments[0].zip_key, zip_of_it)  # it had opened it
        monkeypatch.setattr(status_files, "delete_uncounted", real)

    monkeypatch.setattr(status_files, "delete_uncounted", meanwhile)
    status_files.put_right(wave, made_by)
    assert list(bucket.list("wavePrep/")) == []


def test_o6_a_zombie_that_publishes_late_leaves_the_files_of_the_next_attempt(ann):
    """That one is at work, so no row names its files yet; once nobody is, a sweep deletes them."""
    campaign, bucket = campaign_with(20), buckets.scoring()
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    made_by = attempt_of(wave.zip_key)
    later = Attempt(made_by.job_id, made_by.number + 1)
    key = attempt_key(attempt_prefix(campaign.campaign_id, KEY), later, "zip")
    bucket.put(key, b"x")
    status_files.put_right(wave, made_by)
    assert bucket.exists(key)
    status_files.put_right(wave)
    assert not bucket.exists(key)


def test_w8_a_zip_that_was_withdrawn_while_the_bucket_was_away_goes_before_the_next_attempt_works(
    ann, root, monkeypatch
):
    campaign, bucket = campaign_with(20), buckets.scoring()
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    with monkeypatch.context() as patch:
        out_of_reach(patch, "/prepped/", "/status/")
        reset(wave, by=root, reason="rain")
    assert bucket.exists(zip_key(campaign.campaign_id, KEY))
    fails_to_prepare(campaign, ann, monkeypatch, "/prepped/", after=6)  # five files are deleted
    assert not bucket.exists(zip_key(campaign.campaign_id, KEY))


def test_w8_a_zip_that_is_gone_alerts_and_holds_up_no_other_wave(ann):
    campaigns = [campaign_with(5), campaign_with(5)]
    gone, _ = (prepare(request(each), by=ann, now=NOW).wave for each in campaigns)
    buckets.scoring().delete(gone.zip_key)
    Wave.objects.update(status_stored=False)
    assert [status_files.sweep(), status_files.sweep()] == [1, 0]
    assert Wave.objects.get(status_stored=False) == gone
    assert Alert.objects.filter(text__contains=f"wave {gone.name}").count() == 1


def test_w9_a_wave_whose_attempts_were_used_up_by_kills_is_failed_and_says_so(ann):
    campaign = campaign_with(20)
    job = submit(request(campaign), by=ann, now=NOW)
    Wave.objects.update(attempts=2)
    with pytest.raises(AttemptsExhausted):
        run(job.pk, now=NOW)
    assert Wave.objects.get().state == WaveState.FAILED
    assert "failed twice" in status_of(campaign)["error"]["message"]


def test_w9_a_used_up_wave_stays_failed_when_its_job_is_tried_again(ann, monkeypatch):
    campaign = campaign_with(20)
    for _ in range(2):
        fails_to_prepare(campaign, ann, monkeypatch, "/prepped/")
    Job.objects.filter(pk=Job.objects.latest("id").pk).update(state=JobState.QUEUED, error="")
    with pytest.raises(AttemptsExhausted):
        run(Job.objects.latest("id").pk, now=NOW)
    assert Wave.objects.get().state == WaveState.FAILED


def test_w9_the_sweep_leaves_a_wave_alone_that_is_being_prepared(ann, monkeypatch):
    campaign = campaign_with(20)
    with monkeypatch.context() as patch:
        out_of_reach(patch, "/status/", after=1)
        prepare(request(campaign), by=ann, now=NOW)
        assert status_files.sweep() == 0  # away
    with monkeypatch.context() as patch:
        patch.setattr(status_files, "exclusive", held_elsewhere)
        assert status_files.sweep() == 0
    assert status_files.sweep() == 1


class held_elsewhere:
    """A lock that another process holds."""

    def __init__(self, name: str, *, wait: bool) -> None:
        assert not wait

    def __enter__(self) -> bool:
        return False

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""
