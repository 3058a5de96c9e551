from __future__ import annotations

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from operations.database.locks import (
    exclusive,
    hold,
    lock_in_transaction,
    try_lock_in_transaction,
)
from tests.support.doors import around

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


def test_who_waits_does_not_begin_while_another_is_at_work(other):
    with (
        exclusive("x", using=other),
        pytest.raises(OperationalError, match="lock timeout"),
        exclusive("x"),
    ):
        pytest.fail("two are at work")


def test_a_held_lock_goes_with_its_connection(other):
    assert hold("x", using=other)
    assert hold("x", using=other)
    assert not free("x", connections[DEFAULT_DB_ALIAS])
    other.close()
    assert free("x", connections[DEFAULT_DB_ALIAS])


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
