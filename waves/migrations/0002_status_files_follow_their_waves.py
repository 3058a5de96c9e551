from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("waves", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="wave",
            name="status_content",
            field=models.TextField(blank=True, help_text="What the status file is to say"),
        ),
        migrations.AddField(
            model_name="wave",
            name="status_stored",
            field=models.BooleanField(
                default=True, help_text="Off until the status file says so; a sweep sees to it"
            ),
        ),
    ]
