"""The minimum by which a file's rows were checked is public, so it stands beside its digests and not
only in the snapshot of its rules. [S-7, S-10]
"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0015_public_sources_have_a_time")]

    operations = [
        migrations.AddField(
            model_name="scorefile",
            name="min_score",
            field=models.FloatField(
                editable=False,
                help_text="The minimum that its rows were checked by; public",
                null=True,
            ),
        ),
        migrations.RunSQL(
            "UPDATE campaigns_scorefile SET min_score ="
            " GREATEST(0.22, (rules #>> '{options,min_score}')::double precision)"
            " WHERE rules #>> '{options,min_score}' IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
