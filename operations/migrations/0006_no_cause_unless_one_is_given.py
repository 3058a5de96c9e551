"""Statements of migrations that write a change of state need not know of causes."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0005_changes_of_state_have_a_cause")]

    operations = [
        migrations.AlterField(
            "statuschange",
            "cause",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Why the system moved it; empty where a person did",
                max_length=20,
            ),
        ),
    ]
