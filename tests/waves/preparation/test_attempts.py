"""An attempt is counted before its work, and a failed one written down first. [W-9]"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datalake.storage import buckets
from operations import leases
from operations.errors import LeaseLost
from operations.leases import Lease
from operations.models import Job
from tests.support.waves import KEY, NOW, campaign_with, person, request
from waves.choices import WaveState
from waves.errors import AttemptsExhausted, WrongState
from waves.models import Wave
from waves.naming import Attempt, attempt_key, attempt_prefix
from waves.preparation.attempts import attempt_at, counted
from waves.preparation.submission import submit

pytestmark = pytest.mark.django_db


class Broken(Exception):
    """A fault on purpose."""


def attempt(job: Job, work: Callable[[Lease], None]) -> None:
    with leases.working(job.pk) as lease, counted(Wave.objects.get(), lease, by=None, started=NOW):
        work(lease)


def test_w9_an_attempt_counts_before_its_work_and_one_that_fails_says_why():
    job = submit(request(campaign_with(4)), by=person("ann"), now=NOW)

    def fail(_: Lease) -> None:
        assert Wave.objects.get().attempts == 1
        raise Broken("the disk is full")

    with pytest.raises(Broken):
        attempt(job, fail)
    wave = Wave.objects.get()
    assert (wave.state, wave.error, wave.attempts) == (WaveState.FAILED, "the disk is full", 1)


def test_w2_a_wave_that_was_cancelled_meanwhile_is_not_prepared():
    job = submit(request(campaign_with(4)), by=person("ann"), now=NOW)
    Wave.objects.update(state=WaveState.CANCELLED)
    with pytest.raises(WrongState, match="is cancelled"):
        attempt(job, lambda _: pytest.fail("it began"))
    assert (Wave.objects.get().state, Wave.objects.get().attempts) == (WaveState.CANCELLED, 0)


def test_o6_who_lost_the_answer_to_a_commit_deletes_nothing_that_counts():
    """The job is done, so to the attempt it looks as if it had been taken over."""
    campaign, bucket = campaign_with(4), buckets.scoring()
    job = submit(request(campaign), by=person("ann"), now=NOW)
    prefix = attempt_prefix(campaign.campaign_id, KEY)

    def commit(lease: Lease) -> None:
        kept, facts, left = (
            attempt_key(prefix, attempt_at(lease), end) for end in ("zip", "facts", "parquet")
        )
        bucket.put(kept, b"zip")
        bucket.put(facts, b"facts")
        bucket.put(left, b"candidates")
        Wave.objects.update(state=WaveState.PREPARED, zip_key=kept, facts_key=facts)
        Job.objects.update(state="done")
        raise Broken("the connection is gone")

    with pytest.raises(LeaseLost):
        attempt(job, commit)
    wave = Wave.objects.get()
    assert sorted(bucket.list(prefix)) == sorted([wave.zip_key, wave.facts_key])
    assert wave.state == WaveState.PREPARED


def test_w9_a_third_attempt_is_refused_by_its_own_rule_before_the_database_does():
    job = submit(request(campaign_with(4)), by=person("ann"), now=NOW)
    Wave.objects.update(attempts=2)
    with pytest.raises(AttemptsExhausted, match="preparation has failed twice"):
        attempt(job, lambda _: pytest.fail("it began"))


def test_w9_files_of_earlier_attempts_go_before_the_work_and_its_own_stay():
    campaign, bucket = campaign_with(4), buckets.scoring()
    job = submit(request(campaign), by=person("ann"), now=NOW)
    prefix = attempt_prefix(campaign.campaign_id, KEY)
    own = attempt_key(prefix, Attempt(job.pk, 1), "facts")
    bucket.put(attempt_key(prefix, Attempt(job.pk, 0), "facts"), b"earlier")
    bucket.put(own, b"its own")
    seen = []
    attempt(job, lambda _: seen.extend(bucket.list(prefix)))
    assert seen == [own]
