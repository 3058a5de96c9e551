"""A campaign's history: each change of an option, who undid a switch of the active score file and
when; only drafts are deleted; and what is there already says so in words.
"""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

ONLY_DRAFTS = """
CREATE FUNCTION campaign_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Campaign % is %. Only a draft can be deleted.', OLD.campaign_id, OLD.status
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER campaign_is_kept BEFORE DELETE ON campaigns_campaign
    FOR EACH ROW WHEN (OLD.status <> 'draft') EXECUTE FUNCTION campaign_is_kept();
"""
NOT_ONLY_DRAFTS = """
DROP TRIGGER campaign_is_kept ON campaigns_campaign;
DROP FUNCTION campaign_is_kept();
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("campaigns", "0008_rejected_registrations_are_corrected"),
    ]

    operations = [
        migrations.AddField(
            "rulechange",
            "judges",
            models.BooleanField(default=True, help_text="Judges rows or selects fans"),
        ),
        migrations.AlterField("rulechange", "reason", models.TextField(blank=True)),
        migrations.RemoveConstraint("rulechange", "rulechange_says_why"),
        migrations.AddConstraint(
            "rulechange",
            models.CheckConstraint(
                name="rulechange_says_why", condition=Q(judges=False) | ~Q(reason="")
            ),
        ),
        migrations.AddField(
            "activation", "undone_at", models.DateTimeField(null=True, blank=True)
        ),
        migrations.AddField(
            "activation",
            "undone_by",
            models.ForeignKey(
                settings.AUTH_USER_MODEL,
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
            ),
        ),
        migrations.AddConstraint(
            "activation",
            models.CheckConstraint(
                name="activation_undone_has_its_time",
                condition=Q(undone=True) | Q(undone_at=None, undone_by=None),
            ),
        ),
        migrations.AlterConstraint(
            "market",
            "market_once",
            models.UniqueConstraint(
                name="market_once",
                fields=["campaign", "market_id"],
                violation_error_message="The campaign has a market with this market id. Enter a"
                " different one.",
            ),
        ),
        migrations.AlterConstraint(
            "listentry",
            "listentry_once",
            models.UniqueConstraint(
                name="listentry_once",
                fields=["campaign", "kind", "pattern"],
                nulls_distinct=False,
                violation_error_message="This pattern is on the list already. Enter a different"
                " one.",
            ),
        ),
        migrations.RunSQL(ONLY_DRAFTS, NOT_ONLY_DRAFTS),
    ]
