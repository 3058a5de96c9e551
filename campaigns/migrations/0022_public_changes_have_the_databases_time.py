"""The public page orders changes by their times, and with waves: those of one clock, the database's.
[S-8, S-16]
"""

from __future__ import annotations

from django.db import migrations, models

from operations.database.clock import database_time


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0021_rules_fixed_at")]

    operations = [
        migrations.AlterField(
            model_name=name,
            name="at",
            field=models.DateTimeField(default=database_time, editable=False),
        )
        for name in ("latechange", "rulechange")
    ]
