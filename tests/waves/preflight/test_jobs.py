"""Pre-flights as jobs. [X-6, O-6]"""

from __future__ import annotations

import pytest

from operations.models import Job
from tests.support.database import kept
from tests.support.waves import cleared, person
from waves.models import Preflight, Wave
from waves.preflight.jobs import open_job, open_missing_jobs, preflight_here, run_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave() -> Wave:
    return kept.counted_wave()


def test_x6_a_worker_runs_it_in_the_name_of_who_asked(wave):
    job = open_job(wave, by=person("bob"))
    assert open_job(wave, by=None) == job
    run_job(job.pk)
    assert Preflight.objects.get(wave=wave).by == person("bob")


def test_x6_a_wave_that_is_not_prepared_any_more_needs_none(wave):
    job = open_job(wave, by=None)
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, Preflight.objects.exists()) == ("done", False)


def test_x6_the_sweep_opens_what_is_missing_once(wave):
    Job.objects.all().delete()
    open_missing_jobs()
    open_missing_jobs()
    job = Job.objects.get(kind="preflight_wave")
    Job.objects.filter(pk=job.pk).update(state="failed", error="x")
    open_missing_jobs()
    assert Job.objects.filter(kind="preflight_wave").count() == 1


def test_x6_in_the_foreground_a_recent_green_run_is_enough(wave):
    cleared(wave)
    run = Preflight.objects.get(wave=wave)
    assert preflight_here(wave, by=None) == run
    Preflight.objects.filter(pk=run.pk).update(reds=1)
    assert preflight_here(wave, by=None) != run
