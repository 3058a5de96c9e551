from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0006_rule_changes")]

    operations = [
        migrations.RemoveConstraint(model_name="scorefile", name="scorefile_same_bytes"),
        migrations.AddConstraint(
            model_name="scorefile",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "failed"), _negated=True),
                fields=("campaign", "sha256", "rules_digest"),
                name="scorefile_same_bytes",
            ),
        ),
    ]
