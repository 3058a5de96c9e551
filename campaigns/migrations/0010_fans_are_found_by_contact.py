"""Registrations by contact and member id; rejected rows by each field that they hold. [X-1]

What is made beside its writers is not undone by a failure, so all of this can be run again: what is
there already is made anew.
"""

from __future__ import annotations

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from psycopg import sql

# The fields of a line as it came: ASCII letters lower-cased, without quotes, zero-width characters
# and single spaces beside separators. It depends on no locale, so an index can hold it. The first
# 600 characters alone, because no index holds longer words. `console/fans/terms.py` does the same.
FIELDS = r"""
CREATE OR REPLACE FUNCTION campaigns_fields(line text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN string_to_array(replace(replace(translate(left(line, 600),
    E'ABCDEFGHIJKLMNOPQRSTUVWXYZ",;\u200b\u200c\u200d\u2060\ufeff',
    E'abcdefghijklmnopqrstuvwxyz\t\t\t'), E'\t ', E'\t'), E' \t', E'\t'), E'\t')
"""
# Each table of a score file has an index of its own, made after the file counts (scoring/tables.py).
# The table of all has none: attaching a file would build it, while everybody waits.
ON_WHOLE_TABLES = (
    "registrant_email",
    "registrant_phone",
    "registrant_member_id",
    "rejectedregistration_fields",
)
# It waits for every transaction that is older, such as one that indexes a score file, and nobody
# waits for it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"
PARTITIONS = """
SELECT inhrelid::regclass::text FROM pg_inherits
WHERE inhparent = 'campaigns_rejectedrow'::regclass ORDER BY 1
"""


def index_rejected_rows(apps, schema_editor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        tables = [table for (table,) in cursor.fetchall()]
        for table in tables:
            names = {"table": sql.Identifier(table), "index": sql.Identifier(f"{table}_fields")}
            for statement in (  # what a run that broke off left is no index
                "DROP INDEX CONCURRENTLY IF EXISTS {index}",
                "CREATE INDEX CONCURRENTLY {index} ON {table} USING gin (campaigns_fields(raw))",
            ):
                cursor.execute(sql.SQL(statement).format(**names))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0009_history_of_a_campaign")]

    operations = [
        migrations.RunSQL(FIELDS, "DROP FUNCTION campaigns_fields(text) CASCADE"),
        migrations.RunSQL(AS_LONG_AS_IT_TAKES, "RESET lock_timeout"),
        migrations.RunSQL(
            [f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name in ON_WHOLE_TABLES],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            "registrant", models.Index(fields=["email"], name="registrant_email")
        ),
        AddIndexConcurrently(
            "registrant", models.Index(fields=["phone"], name="registrant_phone")
        ),
        AddIndexConcurrently(
            "registrant", models.Index(fields=["member_id"], name="registrant_member_id")
        ),
        AddIndexConcurrently(
            "rejectedregistration",
            django.contrib.postgres.indexes.GinIndex(
                models.Func(models.F("raw"), function="campaigns_fields"),
                name="rejectedregistration_fields",
            ),
        ),
        migrations.RunPython(index_rejected_rows, migrations.RunPython.noop),
        migrations.RunSQL("RESET lock_timeout", AS_LONG_AS_IT_TAKES),
    ]
