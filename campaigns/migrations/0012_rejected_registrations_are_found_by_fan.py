"""Rejected registrations are found by the fan id that was read, whatever is around it in the line.
[X-1]
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0011_fields_of_lines_are_split_faster")]

    operations = [
        AddIndexConcurrently(
            "rejectedregistration",
            models.Index(fields=["global_user_id"], name="rejectedregistration_fan"),
        ),
    ]
