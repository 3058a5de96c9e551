"""Claims are found by when they were done. [O-8]

The index is made beside the writers, so nobody waits for a large table.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


# It waits for every transaction that is older, and nobody waits for it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datalake", "0002_attempts_of_consumers")]

    operations = [
        migrations.RunSQL(AS_LONG_AS_IT_TAKES, "RESET lock_timeout"),
        migrations.RunSQL(  # what a run that broke off left is no index
            ["DROP INDEX CONCURRENTLY IF EXISTS claim_done"],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently("claim", models.Index(fields=["done_at"], name="claim_done")),
        migrations.RunSQL("RESET lock_timeout", AS_LONG_AS_IT_TAKES),
    ]
