from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="retry_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When a failed job is queued again without a person",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="retries",
            field=models.PositiveIntegerField(
                default=0, help_text="How often that happened: such an attempt killed no worker"
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("retry_at__isnull", False)),
                fields=["retry_at"],
                name="job_retry",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("retry_at", None), ("state", "failed"), _connector="OR"),
                name="job_retry_is_of_a_failed_one",
            ),
        ),
    ]
