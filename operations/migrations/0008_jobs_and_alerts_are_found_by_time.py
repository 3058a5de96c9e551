"""Jobs are found by when they ended, alerts by when they were made. [O-8]

The indexes are made beside the writers, so nobody waits for a large table.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


# It waits for every transaction that is older, and nobody waits for it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("operations", "0007_changes_of_state_have_the_databases_time")]

    operations = [
        migrations.RunSQL(AS_LONG_AS_IT_TAKES, "RESET lock_timeout"),
        migrations.RunSQL(  # what a run that broke off left is no index
            [
                "DROP INDEX CONCURRENTLY IF EXISTS job_finished",
                "DROP INDEX CONCURRENTLY IF EXISTS alert_created",
            ],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently("job", models.Index(fields=["finished_at"], name="job_finished")),
        AddIndexConcurrently("alert", models.Index(fields=["created_at"], name="alert_created")),
        migrations.RunSQL("RESET lock_timeout", AS_LONG_AS_IT_TAKES),
    ]
