"""The test database as the migrations left it, after a test that really committed.

Django's own way truncates every table and writes all permissions again: half a second for each such
test; and it opens a new connection, whose session reads all that it needs of the catalogue again.
Here a session of its own, which stays, empties the tables with rows by statements that are planned
once, and drops tables that a test made; the test's session goes on, as if it had just begun.
"""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from tests.support.waiting import wait_until

# what a table holds before any test; permissions and content types are never changed by one
_REMEMBER = """
DO $$
DECLARE name text; filled boolean; undo text = '';
BEGIN
    DROP SCHEMA IF EXISTS before_tests CASCADE;
    CREATE SCHEMA before_tests;
    CREATE TABLE before_tests.all_tables AS
        SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace;
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE before_tests.%I AS TABLE public.%I', name, name);
            undo = undo || format('
                IF EXISTS (TABLE public.%1$I EXCEPT ALL TABLE before_tests.%1$I)
                OR EXISTS (TABLE before_tests.%1$I EXCEPT ALL TABLE public.%1$I) THEN
                    DELETE FROM public.%1$I;
                    INSERT INTO public.%1$I TABLE before_tests.%1$I;
                END IF;', name);
        ELSE
            undo = undo || format('
                IF EXISTS (SELECT FROM public.%1$I) THEN DELETE FROM public.%1$I; END IF;', name);
        END IF;
    END LOOP;
    EXECUTE format('CREATE FUNCTION before_tests.reset() RETURNS boolean LANGUAGE plpgsql AS %L', '
        DECLARE name text; dropped integer = 0;
        BEGIN
            FOR name IN SELECT relname FROM pg_class
                WHERE relnamespace = ''public''::regnamespace AND relkind IN (''r'', ''p'')
                AND oid NOT IN (SELECT oid FROM before_tests.all_tables)
            LOOP
                EXECUTE format(''DROP TABLE IF EXISTS public.%I CASCADE'', name);
                dropped = dropped + 1;
                -- each table is a few locks, of which one transaction cannot hold any number
                IF dropped = 100 THEN RETURN false; END IF;
            END LOOP;
            ' || undo || '
            RETURN true;
        END');
END $$
"""
# replica: no trigger runs, and no foreign key is checked while tables are emptied one by one. Every
# change of it throws the plans of its session away.
_UNDOING = "SET session_replication_role = replica"
_RESET = "SELECT before_tests.reset()"  # false: more tables are left to drop
_AT_WORK = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
_OPEN = """
SELECT pid, application_name, state, query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_AS_NEW = """
RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES
"""
SESSIONS_END_SECONDS = 60.0
_undoing: list[BaseDatabaseWrapper] = []


def is_possible() -> bool:
    """Only a superuser may leave out triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


def remember() -> None:
    """Note what the migrations left. Once, before the first test."""
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER)


_NUMBERS_END = "SELECT last_value FROM campaigns_campaign_id_seq"
_BEGIN_NUMBERS = """
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, %(at)s)
FROM pg_sequences WHERE schemaname = 'public' AND coalesce(last_value, 0) < %(at)s
"""
_lowest = [1]


def leave_numbers(below: int) -> None:
    """New rows have higher numbers from now on, also after a test that let them begin at 1 again,
    as those of the whole presale do: the rows that are kept have the lower ones.
    """
    _lowest[0] = below
    with _session().cursor() as cursor:
        cursor.execute(_BEGIN_NUMBERS, {"at": below})


def reset() -> None:
    """Wait for what killed processes had asked the server to do, then undo all."""
    _begin_anew()
    with _session().cursor() as cursor:
        wait_until(
            lambda: cursor.execute(_AT_WORK).fetchone() is None,
            "sessions of the test database that still work",
        )
        while not cursor.execute(_RESET).fetchone()[0]:
            pass
        if cursor.execute(_NUMBERS_END).fetchone()[0] < _lowest[0]:
            cursor.execute(_BEGIN_NUMBERS, {"at": _lowest[0]})


def let_go() -> None:
    """End the session that undoes."""
    while _undoing:
        _undoing.pop().close()


def require_no_sessions() -> None:
    """After the last test: a database with sessions cannot be dropped. Those that are just ending
    are waited for; one that is left open was leaked.
    """
    let_go()
    with connection.cursor() as cursor:
        left: list[object] = []

        def are_none_left() -> bool:
            left[:] = cursor.execute(_OPEN).fetchall()
            return not left

        try:
            wait_until(are_none_left, "the end of all sessions", limit=SESSIONS_END_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"Sessions were left open: {left}") from error


def _begin_anew() -> None:
    """Nothing of what a test said to its session is left in it."""
    session = connection.connection
    if session is None:
        return
    if session.closed or session.info.transaction_status != TransactionStatus.IDLE:
        connection.close()
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_AS_NEW)
        connection.ensure_timezone()
    except (OperationalError, InterfaceError):  # the test had it ended
        connection.close()


def _session() -> BaseDatabaseWrapper:
    """The one that undoes; another one if a test ended it."""
    if _undoing and not _undoing[0].is_usable():
        let_go()
    if not _undoing:
        _undoing.append(connections.create_connection(DEFAULT_DB_ALIAS))
        with _undoing[0].cursor() as cursor:
            cursor.execute(_UNDOING)
    return _undoing[0]
