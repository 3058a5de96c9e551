"""Work beside an event loop, on a thread with its own connection."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import connection

from operations.database.database_thread import DatabaseThread
from tests.support.waiting import wait_until


def test_work_is_done_one_after_the_other_in_the_order_it_was_asked_for():
    async def run():
        thread, done = DatabaseThread("rows"), []
        thread.start(done.append, 1)
        await thread.run(done.append, 2)
        thread.start(done.append, 3)
        await thread.close()
        return done

    assert asyncio.run(run()) == [1, 2, 3]


def test_a_fault_comes_out_where_the_work_was_asked_for():
    async def run():
        thread = DatabaseThread("rows")
        try:
            await thread.run(int, "x")
        finally:
            await thread.close()

    with pytest.raises(ValueError, match="x"):
        asyncio.run(run())


@pytest.mark.django_db(transaction=True)
def test_the_thread_has_a_connection_of_its_own_that_is_closed_with_it():
    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0], threading.current_thread().name

    async def run():
        thread = DatabaseThread("rows")
        answers = [await thread.run(ask), await thread.run(ask)]
        await thread.close()
        return answers

    first, second = asyncio.run(run())
    assert first == second
    assert (first[0] != ask()[0], first[1]) == (True, "rows_0")
    is_there = "SELECT FROM pg_stat_activity WHERE pid = %s"
    with connection.cursor() as cursor:
        wait_until(
            lambda: cursor.execute(is_there, [first[0]]).fetchone() is None,
            "the end of the thread's session",
        )
