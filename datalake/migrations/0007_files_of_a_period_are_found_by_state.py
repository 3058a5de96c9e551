"""The files of a period are found by their state, page by page. [L-4]

The index is made beside the writers, so nobody waits for a large table.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


# It waits for every transaction that is older, and nobody waits for it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datalake", "0006_claims_to_count_are_found")]

    operations = [
        migrations.RunSQL(AS_LONG_AS_IT_TAKES, "RESET lock_timeout"),
        migrations.RunSQL(  # what a run that broke off left is no index
            ["DROP INDEX CONCURRENTLY IF EXISTS lakefile_of_period"],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            "lakefile",
            models.Index(
                fields=["record_type", "period", "state", "id"], name="lakefile_of_period"
            ),
        ),
        migrations.RunSQL("RESET lock_timeout", AS_LONG_AS_IT_TAKES),
    ]
