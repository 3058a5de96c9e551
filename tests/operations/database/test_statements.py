from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.db import ProgrammingError, connection, transaction
from psycopg import sql

from operations.database.statements import (
    commit_without_waiting,
    first_row,
    looking_up,
    rows,
    run,
    unhurried,
)
from tests.support.doors import EVERYTHING, around

pytestmark = pytest.mark.django_db(transaction=True)


def setting():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]


def test_a_statement_takes_values_by_name_and_says_how_many_rows_it_touched():
    with transaction.atomic():
        run("CREATE TEMP TABLE kept (n int) ON COMMIT DROP")
        assert run("INSERT INTO kept SELECT generate_series(1, %(last)s)", last=5) == 5
        least = sql.SQL("SELECT n FROM {} WHERE n > %(least)s ORDER BY n").format(
            sql.Identifier("kept")
        )
        assert first_row(least, least=2) == (3,)
        assert first_row(least, least=9) is None


def test_a_percent_sign_stays_one_where_there_are_no_values():
    assert first_row("SELECT 7 % 4") == (3,)


def test_a_wrong_statement_raises_djangos_error():
    with pytest.raises(ProgrammingError):
        run("SELECT nothing FROM nowhere")
    with pytest.raises(ProgrammingError):
        first_row(sql.SQL("SELECT nothing FROM nowhere"))


def test_only_this_transaction_commits_without_waiting():
    with connection.cursor() as cursor:  # the test database's default is off
        cursor.execute("SET synchronous_commit = on")
    try:
        with transaction.atomic():
            commit_without_waiting()
            assert setting() == "off"
        assert setting() == "on"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


def test_nobody_else_takes_psycopgs_connections_or_turns_waiting_off():
    ours = r"connection\.connection\b|import psycopg\b|synchronous_commit"
    # the embedded server is looked after before Django may use it
    server = "fairwave/embedded.py"
    found = around("operations/database/", ours, roots=EVERYTHING)
    assert [line for line in found if not line.startswith(server)] == []


def limit(name="statement_timeout"):
    return first_row(f"SHOW {name}")[0]


def test_only_what_is_unhurried_may_take_longer_than_a_statement_does():
    before = limit()
    with unhurried():
        assert limit() == "6h"
    assert limit() == before
    with transaction.atomic():
        with unhurried():
            assert limit() == "6h"
        assert limit() == before
    with pytest.raises(ProgrammingError), unhurried():
        run("SELECT nothing FROM nowhere")
    assert limit() == before
    with pytest.raises(ProgrammingError), transaction.atomic(), unhurried():
        run("SELECT nothing FROM nowhere")
    assert limit() == before


@pytest.mark.parametrize("is_in_transaction", [False, True])
def test_what_is_unhurried_inside_something_unhurried_ends_with_the_outer_one(is_in_transaction):
    before = limit()
    with transaction.atomic() if is_in_transaction else nullcontext(), unhurried():
        with unhurried(limits=("statement_timeout", "lock_timeout")):
            assert (limit(), limit("lock_timeout")) == ("6h", "6h")
        assert limit() == "6h"
        assert limit("lock_timeout") != "6h"
        with pytest.raises(ProgrammingError), transaction.atomic(), unhurried():
            run("SELECT nothing FROM nowhere")
        assert limit() == "6h"
    assert limit() == before


def test_a_session_that_takes_the_place_of_an_unhurried_one_is_told_too():
    before = limit()
    with unhurried():
        connection.close()
        with unhurried():
            assert limit() == "6h"
        assert limit() == before


def test_inside_looking_up_an_index_is_asked_for_each_row_whatever_all_would_cost():
    with transaction.atomic():
        run("CREATE TEMP TABLE many (n int PRIMARY KEY) ON COMMIT DROP")
        run("INSERT INTO many SELECT generate_series(1, 2000)")
        run("ANALYZE many")
        few = "EXPLAIN SELECT FROM generate_series(1, 1000) AS few (n) JOIN many USING (n)"
        assert "Hash Join" in str(rows(few))
        with looking_up():
            assert "Index Only Scan" in str(rows(few))
        assert "Hash Join" in str(rows(few))
