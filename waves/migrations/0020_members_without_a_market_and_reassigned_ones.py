"""A fan who holds a code may be a member once more, with it; a fan who is told that they were not
selected is a member without a market. Constraints judge both. [K-6, W-6, X-7, X-8]
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

AS_LIVE = """
ALTER TABLE waves_member ADD CONSTRAINT member_of_wave
    FOREIGN KEY (wave_id, campaign_id, wave_live) REFERENCES waves_wave (id, campaign_id, live)
    ON UPDATE CASCADE;
"""
AS_LIVE_AND_SELECTING = """
ALTER TABLE waves_member ADD CONSTRAINT member_of_wave
    FOREIGN KEY (wave_id, campaign_id, wave_live, wave_selects)
    REFERENCES waves_wave (id, campaign_id, live, selects) ON UPDATE CASCADE;
"""
NOT_OF_WAVE = "ALTER TABLE waves_member DROP CONSTRAINT member_of_wave"
# who is reassigned holds this very code, in this campaign and for this market
HOLDS_THE_CODE = """
ALTER TABLE waves_member ADD CONSTRAINT member_reassigned_holds_the_code
    FOREIGN KEY (reassigned_id, campaign_id, global_user_id, market_id)
    REFERENCES waves_assignment (id, campaign_id, global_user_id, market_id);
"""
HOLDS_NO_CODE = "ALTER TABLE waves_member DROP CONSTRAINT member_reassigned_holds_the_code"


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0022_public_changes_have_the_databases_time"),
        ("waves", "0019_preflights_of_waves"),
    ]

    operations = [
        migrations.RunSQL(NOT_OF_WAVE, AS_LIVE),
        migrations.RemoveConstraint("member", "member_in_one_live_wave"),
        migrations.RemoveConstraint("wave", "wave_liveness"),
        migrations.AddField(
            "wave",
            "selects",
            models.GeneratedField(
                db_persist=True,
                expression=models.Q(("kind", "not_selected"), _negated=True),
                help_text="Its members have a market; its members carry it by a foreign key [X-8]",
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddField(
            "wave",
            "reassign",
            models.BooleanField(
                default=False,
                help_text="Also takes fans who hold a code already, with that code [W-6]",
            ),
        ),
        migrations.AddField(
            "wave",
            "tops_up",
            models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The wave by whose rules it fills what room is left [X-7]",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="top_ups",
                to="waves.wave",
            ),
        ),
        migrations.AddConstraint(
            "wave",
            models.UniqueConstraint(
                fields=["id", "campaign", "live", "selects"], name="wave_liveness"
            ),
        ),
        migrations.AddConstraint(
            "assignment",
            models.UniqueConstraint(
                fields=["id", "campaign", "global_user_id", "market"],
                name="assignment_of_fan_and_market",
            ),
        ),
        migrations.AddField(
            "member", "wave_selects", models.BooleanField(db_default=True, editable=False)
        ),
        migrations.AddField(
            "member",
            "reassigned",
            models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                help_text="Of a fan who is in a completed wave too: the code that they hold [W-6]",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="waves.assignment",
            ),
        ),
        migrations.AlterField(
            "member",
            "market",
            models.ForeignKey(
                blank=True,
                help_text="None only for fans who are told that they were not selected [X-8]",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="campaigns.market",
            ),
        ),
        migrations.AddConstraint(
            "member",
            models.UniqueConstraint(
                condition=models.Q(("reassigned", None), ("wave_live", True)),
                fields=["campaign", "global_user_id"],
                name="member_in_one_live_wave",
            ),
        ),
        migrations.AddConstraint(
            "member",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("market__isnull", False), ("wave_selects", True)),
                    models.Q(("code", ""), ("market", None), ("reassigned", None), ("wave_selects", False)),
                    _connector="OR",
                ),
                name="member_has_a_market_where_it_was_selected",
            ),
        ),
        migrations.RunSQL(AS_LIVE_AND_SELECTING, NOT_OF_WAVE),
        migrations.RunSQL(HOLDS_THE_CODE, HOLDS_NO_CODE),
    ]
