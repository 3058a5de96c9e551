from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_rosters_list_all_rows")]

    operations = [
        migrations.AlterField(
            model_name="arrival",
            name="version",
            field=models.CharField(
                help_text="S3's ETag and its date, or when the file was last written to",
                max_length=120,
            ),
        ),
    ]
