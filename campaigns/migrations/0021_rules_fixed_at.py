from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """When each score file's rules were fixed: of earlier ones nobody wrote down more than when
    they were received. [S-2, S-8]
    """

    dependencies = [("campaigns", "0020_kept_lists")]

    operations = [
        migrations.AddField(
            model_name="scorefile",
            name="rules_fixed_at",
            field=models.DateTimeField(
                null=True, editable=False, help_text="When its rules were taken; empty before that"
            ),
        ),
        migrations.RunSQL(
            "UPDATE campaigns_scorefile SET rules_fixed_at = created_at WHERE rules_digest <> ''",
            migrations.RunSQL.noop,
        ),
    ]
