"""What moved a wave is in a column: a person may give any text as a reason."""

from __future__ import annotations

from django.db import migrations, models

# Whose reason was one of these was taken for the system until now.
CAUSES = """
UPDATE operations_statuschange SET cause = reason
WHERE subject_kind = 'wave' AND to_state = 'configured' AND reason IN ('members changed', 'retry')
"""


class Migration(migrations.Migration):
    dependencies = [("operations", "0004_jobs_count_deaths")]

    operations = [
        migrations.AddField(
            "statuschange",
            "cause",
            models.CharField(
                blank=True,
                default="",
                help_text="Why the system moved it; empty where a person did",
                max_length=20,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(CAUSES, migrations.RunSQL.noop),
    ]
