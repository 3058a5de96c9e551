"""Erased fans are known by a keyed hash of their id. [X-11]"""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datalake", "0007_files_of_a_period_are_found_by_state")]

    operations = [
        migrations.CreateModel(
            name="ErasureKey",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="erasurekey_is_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ErasedFan",
            fields=[
                (
                    "digest",
                    models.CharField(
                        help_text="HMAC-SHA256 of the id",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "erased_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the last erasure began; what is older does not come back",
                    ),
                ),
                (
                    "times",
                    models.PositiveIntegerField(help_text="How often the fan was erased"),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
