"""Registrants name the file that publishes their records, and files how far they have come: a row is
not written again when it is published. What is not published yet, the campaign's last file
publishes. What said so before goes later (0032). [C-5]
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

NAME_THEIR_FILES = """
UPDATE campaigns_registrant AS fan SET published_by_id = (
    SELECT max(file.id) FROM campaigns_registrationimport AS file
    WHERE file.campaign_id = fan.campaign_id AND file.finished)
WHERE NOT fan.published
"""
MARK_THEM = """
UPDATE campaigns_registrant AS fan SET published = NOT EXISTS (
    SELECT FROM campaigns_registrationimport AS file
    WHERE file.id = fan.published_by_id AND file.published_to < fan.id)
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0027_warnings_of_score_files")]

    operations = [
        migrations.AddField(
            model_name="registrationimport",
            name="published_to",
            field=models.BigIntegerField(
                default=0,
                help_text="The number of the last registrant whose record it has published",
            ),
        ),
        migrations.AddField(
            model_name="registrant",
            name="published_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="The file that publishes its record; none for a record from the stream",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="campaigns.registrationimport",
            ),
        ),
        migrations.RunSQL(NAME_THEIR_FILES, MARK_THEM),
    ]
