"""The test database as the migrations left it, after a test that really committed.

Django's own way truncates every table and writes all permissions again: half a second for each such
test. Here only tables with rows are emptied, and tables that a test made are dropped.
"""

from __future__ import annotations

from django.db import connection

from tests.support.waiting import wait_until

# what a table holds before any test; permissions and content types are never changed by one
_REMEMBER = """
DO $$
DECLARE name text; filled boolean;
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
        END IF;
    END LOOP;
END $$
"""
# replica: no trigger runs, and no foreign key is checked while tables are emptied one by one
_RESET = """
DO $$
DECLARE name text; filled boolean;
BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND oid NOT IN (SELECT oid FROM before_tests.all_tables)
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS public.%I CASCADE', name);
    END LOOP;
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM public.%I', name); END IF;
    END LOOP;
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = 'before_tests'::regnamespace AND relkind = 'r'
        AND relname <> 'all_tables'
    LOOP
        EXECUTE format('INSERT INTO public.%I SELECT * FROM before_tests.%I', name, name);
    END LOOP;
END $$
"""
_AT_WORK = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


def is_possible() -> bool:
    """Only a superuser may leave out triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


def remember() -> None:
    """Note what the migrations left. Once, before the first test."""
    _execute(_REMEMBER)


def reset() -> None:
    """Wait for what killed processes had asked the server to do, then undo all."""
    wait_until(_is_quiet, "sessions of the test database that still work")
    _execute(_RESET)


def _is_quiet() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_AT_WORK)
        return cursor.fetchone() is None


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
