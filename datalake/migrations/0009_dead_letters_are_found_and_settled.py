"""Dead letters are found by their reason, consumer and time, and settled without a replay. [T-1]

The indexes are made beside the writers, so nobody waits for a large table.
"""

from __future__ import annotations

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import Q


# It waits for every transaction that is older, and nobody waits for it.
AS_LONG_AS_IT_TAKES = "SET lock_timeout = 0"
WAITING = Q(replayed_at=None, dropped_at=None)
INDEXES = [
    models.Index(fields=["created_at"], name="deadletter_created"),
    models.Index(fields=["id"], name="deadletter_waiting", condition=WAITING),
    models.Index(fields=["error", "id"], name="deadletter_by_reason", condition=WAITING),
    models.Index(fields=["consumer", "id"], name="deadletter_by_consumer", condition=WAITING),
    models.Index(
        fields=["settled_by_job"],
        name="deadletter_by_job",
        condition=Q(settled_by_job__isnull=False),
    ),
]
# what a run that broke off left is no index
DROPPED = [f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}" for index in INDEXES]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datalake", "0008_who_was_erased")]

    operations = [
        migrations.AddField(
            "deadletter",
            "dropped_at",
            models.DateTimeField(
                null=True, blank=True, help_text="When a person settled it without a replay"
            ),
        ),
        migrations.AddField(
            "deadletter",
            "settled_by_job",
            models.BigIntegerField(
                null=True,
                blank=True,
                help_text="The job that replayed or settled it with others",
            ),
        ),
        AddConstraintNotValid(
            "deadletter",
            models.CheckConstraint(
                name="deadletter_one_end", condition=Q(replayed_at=None) | Q(dropped_at=None)
            ),
        ),
        ValidateConstraint("deadletter", "deadletter_one_end"),
        migrations.RunSQL(AS_LONG_AS_IT_TAKES, "RESET lock_timeout"),
        *(migrations.RunSQL([statement], migrations.RunSQL.noop) for statement in DROPPED),
        *(AddIndexConcurrently("deadletter", index) for index in INDEXES),
        migrations.RunSQL("RESET lock_timeout", AS_LONG_AS_IT_TAKES),
    ]
