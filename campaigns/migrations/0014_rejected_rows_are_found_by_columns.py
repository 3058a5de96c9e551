"""Rejected rows are found by columns with their contacts, of which an index costs a thirtieth of
one of all fields of their lines. [X-1]

Rows that are there already have nothing in these columns: they are found by their fields as before.
"""

from __future__ import annotations

import django.contrib.postgres.indexes
from django.db import migrations, models

COLUMNS = ("email", "phone", "member_id")
# Also in tables that are no partitions yet; indexes where the others are made already.
ADD_COLUMNS = """
ALTER TABLE campaigns_rejectedrow ADD COLUMN email text COLLATE "C",
    ADD COLUMN phone text COLLATE "C", ADD COLUMN member_id text COLLATE "C";
DO $$
DECLARE one record; named text;
BEGIN
    FOR one IN SELECT relname AS name, relispartition AS is_attached, EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p') AS is_indexed
        FROM pg_class WHERE relkind = 'r' AND relname ~ '^campaigns_rejectedrow_[0-9]+$' ORDER BY oid
    LOOP
        IF NOT one.is_attached THEN
            EXECUTE format('ALTER TABLE %I ADD COLUMN email text COLLATE "C", ADD COLUMN phone text'
                ' COLLATE "C", ADD COLUMN member_id text COLLATE "C"', one.name);
        END IF;
        IF one.is_indexed THEN
            FOREACH named IN ARRAY ARRAY['email', 'phone', 'member_id'] LOOP
                EXECUTE format('CREATE INDEX %I ON %I (%I)',
                    one.name || '_by_' || named, one.name, named);
            END LOOP;
            EXECUTE format('CREATE INDEX %I ON %I (lower(global_user_id COLLATE "C"))',
                one.name || '_by_fan', one.name);
            EXECUTE format('CREATE INDEX %I ON %I USING gin (campaigns_fields(raw))'
                ' WHERE email IS NULL', one.name || '_by_fields', one.name);
            EXECUTE format('DROP INDEX IF EXISTS %I', one.name || '_fields');
        END IF;
    END LOOP;
END $$;
"""
DROP_COLUMNS = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT relname AS name FROM pg_class WHERE NOT relispartition
        AND relkind IN ('r', 'p') AND relname ~ '^campaigns_rejectedrow(_[0-9]+)?$' ORDER BY oid
    LOOP
        EXECUTE format('ALTER TABLE %I DROP COLUMN email, DROP COLUMN phone,'
            ' DROP COLUMN member_id', one.name);
    END LOOP;
    FOR one IN SELECT relname AS name FROM pg_class WHERE relkind = 'i'
        AND relname ~ '^campaigns_rejectedrow_[0-9]+_by_(fan|fields)$' ORDER BY oid
    LOOP
        EXECUTE format('DROP INDEX IF EXISTS %I', one.name);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0013_scheme_2_of_the_draw")]

    operations = [
        migrations.RunSQL(ADD_COLUMNS, DROP_COLUMNS),
        migrations.RemoveIndex("rejectedregistration", "rejectedregistration_fields"),
        migrations.RemoveIndex("rejectedregistration", "rejectedregistration_fan"),
        *(
            migrations.AddField("rejectedregistration", name, models.TextField(null=True))
            for name in COLUMNS
        ),
        migrations.AddIndex(
            "rejectedregistration",
            django.contrib.postgres.indexes.GinIndex(
                models.Func(models.F("raw"), function="campaigns_fields"),
                name="rejectedregistration_fields",
                condition=models.Q(email=None),
            ),
        ),
        migrations.AddIndex(
            "rejectedregistration",
            models.Index(
                models.Func(
                    models.F("global_user_id"),
                    function="lower",
                    template='%(function)s(%(expressions)s COLLATE "C")',
                ),
                name="rejectedregistration_fan",
            ),
        ),
        *(
            migrations.AddIndex(
                "rejectedregistration",
                models.Index(fields=[name], name=f"rejectedregistration_{name}"),
            )
            for name in COLUMNS
        ),
    ]
