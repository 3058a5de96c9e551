"""Transactions that PostgreSQL ended for another one's sake are done again. [O-6]"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from operations.choices import JobState
from operations.database.retries import TRIES, retried
from operations.models import Job
from tests.support.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


def ended(kind: type[psycopg.Error]) -> OperationalError:
    error = OperationalError("ended")
    error.__cause__ = kind()
    return error


def test_two_transactions_that_lock_the_same_rows_in_opposite_orders_both_succeed():
    jobs = [Job.objects.create(kind="x", subject_kind="y", subject_id=str(n)) for n in range(2)]
    both_have_one, tries = threading.Barrier(2), []

    @retried
    @transaction.atomic
    def change(first: Job, second: Job) -> None:
        tries.append(first.pk)
        Job.objects.filter(pk=first.pk).update(state=JobState.DONE)
        if len(tries) <= 2:
            both_have_one.wait(LIMIT_SECONDS)
        Job.objects.filter(pk=second.pk).update(state=JobState.DONE)

    def work(*order: Job) -> None:
        try:
            change(*order)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(work, *jobs), threads.submit(work, *reversed(jobs))]:
            done.result()
    assert len(tries) >= 3  # who tries again at once can be ended once more


@pytest.mark.parametrize(
    "kind", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_what_is_ended_again_and_again_is_a_fault_in_the_end(kind):
    tries = []

    @retried
    def work() -> None:
        tries.append(1)
        raise ended(kind)

    with pytest.raises(OperationalError):
        work()
    assert len(tries) == TRIES


def test_other_errors_are_not_repeated():
    tries = []

    @retried
    def work() -> None:
        tries.append(1)
        raise ended(psycopg.errors.AdminShutdown)

    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 1


def test_within_a_callers_transaction_the_caller_repeats():
    tries = []

    @retried
    def work() -> None:
        tries.append(1)
        raise ended(psycopg.errors.DeadlockDetected)

    with pytest.raises(OperationalError), transaction.atomic():
        work()
    assert len(tries) == 1
