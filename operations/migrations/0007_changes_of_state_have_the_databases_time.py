"""What happens to a wave is ordered with what happens to its campaign: by one clock, the database's.
[W-2, S-8]
"""

from __future__ import annotations

from django.db import migrations, models

from operations.database.clock import database_time


class Migration(migrations.Migration):
    dependencies = [("operations", "0006_no_cause_unless_one_is_given")]

    operations = [
        migrations.AlterField(
            model_name="statuschange",
            name="at",
            field=models.DateTimeField(default=database_time, editable=False),
        ),
    ]
