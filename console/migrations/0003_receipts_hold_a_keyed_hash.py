"""A receipt of an erasure names the fan by a keyed hash. [X-11]"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0002_failed_sign_ins_and_one_user_per_email"),
        ("datalake", "0008_who_was_erased"),
    ]

    operations = [
        migrations.RemoveConstraint("erasure", "erasure_one_open"),
        migrations.RenameField("erasure", "fan_sha256", "fan_digest"),
        migrations.AlterField(
            "erasure",
            "fan_digest",
            models.CharField(
                "fan", max_length=64, help_text="Keyed hash of the fan's id"
            ),
        ),
        migrations.AddConstraint(
            "erasure",
            models.UniqueConstraint(
                name="erasure_one_open",
                fields=["fan_digest"],
                condition=models.Q(finished_at=None),
            ),
        ),
    ]
