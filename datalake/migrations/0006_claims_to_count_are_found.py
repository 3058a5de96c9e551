"""Claims that parity has to count are found at once. [X-9]

The index is made beside the writers, so nobody waits for a large table.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


# It waits for every transaction that is older, and nobody waits for it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datalake", "0005_published_days_and_parity")]

    operations = [
        migrations.RunSQL(AS_LONG_AS_IT_TAKES, "RESET lock_timeout"),
        migrations.RunSQL(  # what a run that broke off left is no index
            ["DROP INDEX CONCURRENTLY IF EXISTS claim_uncounted"],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            "claim",
            models.Index(
                fields=["id"],
                name="claim_uncounted",
                condition=models.Q(consumer="lake", state="done", is_counted=False),
            ),
        ),
        migrations.RunSQL("RESET lock_timeout", AS_LONG_AS_IT_TAKES),
    ]
