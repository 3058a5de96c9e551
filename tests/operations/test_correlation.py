"""One id leads from a request to all that it caused."""

from __future__ import annotations

import pytest

from operations import correlation, jobs, leases
from operations.models import Job
from operations.subjects import Subject
from operations.threads import helper_thread

pytestmark = pytest.mark.django_db(transaction=True)


def a_job(**values: object) -> Job:
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    Job.objects.filter(pk=job.pk).update(**values)
    return Job.objects.get(pk=job.pk)


def count_sheep(job_id: int) -> None:
    with leases.working(job_id) as lease:
        lease.update(rows_in=1, rows_out=1)


def test_a_job_and_its_helpers_carry_the_correlation_id_of_whoever_asked():
    """[O-4]"""
    with correlation.correlated("request-12345678"):
        job = a_job()
    with leases.working(job.pk), helper_thread("help") as helper:
        assert correlation.current() == "request-12345678"
        assert helper.submit(correlation.current).result() == "request-12345678"
    assert correlation.current() == ""
