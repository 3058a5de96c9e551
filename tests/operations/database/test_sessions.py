"""Sessions carry the name of the attempt that they work for, and those of earlier attempts are ended
where they hold locks. [O-6]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from operations.database import sessions
from operations.database.locks import hold
from operations.threads import helper_thread

pytestmark = pytest.mark.django_db(transaction=True)


def name_in(session: BaseDatabaseWrapper) -> str:
    with session.cursor() as cursor:
        cursor.execute("SHOW application_name")
        return str(cursor.fetchone()[0])


@pytest.fixture
def session() -> Iterator[BaseDatabaseWrapper]:
    """Another one of the first attempt of job 7."""
    with closing(connections.create_connection(DEFAULT_DB_ALIAS)) as other:
        with sessions.of_attempt(7, 1):
            name_in(other)
        yield other


def test_the_sessions_of_an_attempt_bear_its_name_in_helper_threads_too():
    before = name_in(connection)
    with sessions.of_attempt(7, 2), helper_thread("helper") as helper:
        assert helper.submit(lambda: name_in(connection)).result() == "fairwave job 7.2"
        assert name_in(connection) == "fairwave job 7.2"
        connection.close()
        assert name_in(connection) == "fairwave job 7.2"
    assert name_in(connection) == before


def test_a_session_that_holds_a_lock_is_ended_by_whoever_takes_the_job_over(session):
    """[O-6] Its row, its tables and its advisory locks are free at once."""
    assert hold("a wave", using=session)
    assert sessions.end_others(7, but=2) == 1
    assert hold("a wave", using=None)
    with pytest.raises(OperationalError):
        name_in(session)


def test_a_session_that_holds_nothing_or_works_for_another_job_is_left_alone(session):
    assert sessions.end_others(7, but=2) == 0
    assert hold("a wave", using=session)
    assert sessions.end_others(7, but=1) == 0
    assert sessions.end_others(71, but=1) == 0
    assert sessions.end_others(70) == 0
    assert name_in(session) == "fairwave job 7.1"


def test_the_name_goes_with_a_connection_that_was_lost_in_the_work():
    with sessions.of_attempt(7, 1), transaction.atomic():
        connection.connection.close()
        connection.needs_rollback = True
    assert not sessions.current()
    assert not name_in(connection).startswith("fairwave job")
