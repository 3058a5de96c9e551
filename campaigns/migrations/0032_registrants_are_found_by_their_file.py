"""What a file has still to publish is found by an index, which is built while waves go on. [C-5, N-2]"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0031_an_erasure_changes_scores")]

    operations = [
        AddIndexConcurrently(
            "registrant",
            models.Index(
                condition=models.Q(("published_by__isnull", False)),
                fields=["published_by", "id"],
                name="registrant_published_by",
            ),
        ),
        RemoveIndexConcurrently("registrant", "registrant_unpublished"),
        migrations.RemoveField(model_name="registrant", name="published"),
    ]
