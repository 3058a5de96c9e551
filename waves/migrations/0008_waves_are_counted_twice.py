"""A wave is counted a second time before it can be approved. [X-14]"""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Q

# Approved before there were second counts: counted_at stays empty, which says so.
APPROVED_BEFORE = "UPDATE waves_wave SET counted_digest = approved_digest"


class Migration(migrations.Migration):
    dependencies = [("waves", "0007_own_capacities_of_waves")]

    operations = [
        migrations.AddField(
            "wave",
            "counted_digest",
            models.CharField(
                max_length=64,
                blank=True,
                default="",
                editable=False,
                help_text="The content with which the second count agrees [X-14]",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "wave",
            "differs_digest",
            models.CharField(
                max_length=64,
                blank=True,
                default="",
                editable=False,
                help_text="The content with which it does not; count_problems says in what",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "wave",
            "counted_at",
            models.DateTimeField(null=True, blank=True, editable=False),
        ),
        migrations.AddField(
            "wave",
            "count_problems",
            models.JSONField(default=list, blank=True, editable=False),
        ),
        migrations.AddField(
            "wave",
            "facts_key",
            models.CharField(
                max_length=300,
                blank=True,
                default="",
                editable=False,
                help_text="The sealed facts of this preparation",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "wave",
            "facts_digest",
            models.CharField(
                max_length=64, blank=True, default="", editable=False, help_text="Their SHA-256"
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(APPROVED_BEFORE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "wave",
            models.CheckConstraint(
                name="wave_approval_was_counted",
                condition=Q(approved_digest="") | Q(counted_digest=F("approved_digest")),
            ),
        ),
        migrations.AddConstraint(
            "wave",
            models.CheckConstraint(
                name="wave_count_has_one_verdict",
                condition=Q(differs_digest="") | ~Q(differs_digest=F("counted_digest")),
            ),
        ),
    ]
