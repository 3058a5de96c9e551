from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("waves", "0005_what_was_agreed_on")]
    operations = [
        migrations.RemoveField("provideraccount", "state"),
        migrations.RenameField("wave", "agreed_digest", "previewed_digest"),
        migrations.AlterField(
            "wave",
            "previewed_digest",
            models.CharField(
                max_length=64,
                blank=True,
                help_text="Of the members of the preview: others are not prepared",
            ),
        ),
    ]
