from __future__ import annotations

import pytest
from django.db import DEFAULT_DB_ALIAS, DataError, connections, transaction

from operations.database.locks import (
    exclusive,
    hold,
    lock_in_transaction,
    try_lock_in_transaction,
    waiting_at_most,
)
from operations.database.statements import run
from operations.errors import HeldElsewhere
from operations.models import Job
from operations.threads import helper_thread
from tests.support.doors import around
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Broken(Exception):
    pass


@pytest.fixture
def other():
    """A second connection, as another process has it. A lock that should not be waited for fails
    the test instead of holding it up.
    """
    ours, connection = (
        connections[DEFAULT_DB_ALIAS],
        connections.create_connection(DEFAULT_DB_ALIAS),
    )
    for each in (ours, connection):
        with each.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
    yield connection
    connection.close()
    ours.close()


def free(name, other):
    with exclusive(name, wait=False, using=other) as held:
        return held


def test_a_lock_is_held_over_several_transactions_and_free_afterwards(other):
    with exclusive("x") as held:
        assert held
        for _ in range(2):
            with transaction.atomic():
                assert not free("x", other)
            assert not free("x", other)
    assert free("x", other)


def test_a_lock_is_free_after_a_fault(other):
    with pytest.raises(Broken), exclusive("x"):
        raise Broken
    assert free("x", other)


def test_work_of_another_name_is_not_held_up(other):
    with exclusive("x"):
        assert free("y", other)


def test_who_does_not_wait_learns_that_another_is_at_work_and_leaves_its_lock_alone(other):
    with exclusive("x", using=other):
        with exclusive("x", wait=False) as held:
            assert not held
        assert not free("x", connections[DEFAULT_DB_ALIAS])


def test_who_waits_begins_when_the_other_is_done_however_long_that_takes(other):
    """A session's limit for statements and locks does not end it."""

    def work() -> bool:
        with exclusive("x") as held, transaction.atomic():
            lock_in_transaction("y")
            return held

    def waiting() -> bool:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return cursor.fetchone() is not None

    with helper_thread("waits") as waits:
        waits.submit(run, "SET lock_timeout = '1ms'; SET statement_timeout = '100ms'").result()
        with exclusive("x", using=other):
            begun = waits.submit(work)
            wait_until(waiting, "a thread that waits for the lock")
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.15)")
            assert not begun.done()
        assert begun.result()


def test_a_held_lock_goes_with_its_connection(other):
    assert hold("x", using=other)
    assert hold("x", using=other)
    assert not free("x", connections[DEFAULT_DB_ALIAS])
    other.close()
    wait_until(lambda: free("x", connections[DEFAULT_DB_ALIAS]), "the server to see it gone")


def test_a_transactions_lock_ends_with_it(other):
    with transaction.atomic():
        lock_in_transaction("x")
        assert not free("x", other)
    assert free("x", other)


def test_a_transaction_that_does_not_wait_learns_that_another_is_at_work(other):
    with transaction.atomic(), exclusive("x", using=other):
        assert not try_lock_in_transaction("x")
    with transaction.atomic():
        assert try_lock_in_transaction("x")
        assert not free("x", other)
    assert free("x", other)


def test_every_advisory_lock_goes_through_one_module():
    assert around("operations/database/locks.py", "pg_(try_)?advisory") == []


def test_a_row_that_is_locked_elsewhere_is_not_waited_for_longer_than_asked(other):
    """[O-6] A page does not hang behind a worker that does."""
    job = Job.objects.create(kind="count_sheep", subject_kind="flock")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM operations_job WHERE id = %s FOR UPDATE", [job.pk])
    with (
        pytest.raises(HeldElsewhere, match="Job 5 is in use by another process"),
        transaction.atomic(),
        waiting_at_most(0.02, "Job 5"),
    ):
        Job.objects.select_for_update().get(pk=job.pk)
    other.rollback()
    with pytest.raises(DataError), transaction.atomic(), waiting_at_most(0.02, "Job 5"):
        Job.objects.create(kind="x" * 41)


def test_a_lock_that_went_with_its_connection_needs_no_unlocking(other):
    """What the work raised is what its caller hears of."""

    def work() -> None:
        with exclusive("x", using=other):
            other.connection.close()
            raise Broken

    with pytest.raises(Broken):
        work()
    wait_until(lambda: free("x", connections[DEFAULT_DB_ALIAS]), "the server to see it gone")
