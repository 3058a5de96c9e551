"""A second template for the same campaign, market, channel and language says what to do."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("waves", "0005_members_carry_their_waves_liveness")]

    operations = [
        migrations.AlterConstraint(
            "template",
            "template_once",
            models.UniqueConstraint(
                name="template_once",
                fields=["campaign", "market", "channel", "language"],
                nulls_distinct=False,
                violation_error_message="There is a template for this campaign, market, channel and"
                " language already. Edit that one, or choose differently.",
            ),
        ),
    ]
