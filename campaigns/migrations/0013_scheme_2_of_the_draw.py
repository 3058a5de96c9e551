from __future__ import annotations

from django.db import migrations, models

# References are made otherwise than before, so a fan's luck is another one. What is closed keeps
# the proof it has; an open draw cannot change its scheme.
KEEP_SCHEME_1 = """
DO $$
DECLARE found text;
BEGIN
    SELECT string_agg(campaign_id, ', ' ORDER BY campaign_id) INTO found
    FROM campaigns_campaign WHERE status = 'open';
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'Campaigns % are open and were drawn by scheme 1. Close them with the version'
            ' of Fairwave that opened them, then upgrade.', found;
    END IF;
END $$;
UPDATE campaigns_campaign SET draw_scheme = 1 WHERE commitment <> '';
"""
# [S-8]
DRAW_IS_LOCKED = """
CREATE OR REPLACE FUNCTION campaigns_draw_is_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seed IS NOT NULL AND (OLD.seed, OLD.salt, OLD.commitment, OLD.salt_commitment,
            OLD.draw_scheme, OLD.draw_supplied, OLD.entropy_source) IS DISTINCT FROM (NEW.seed,
            NEW.salt, NEW.commitment, NEW.salt_commitment, NEW.draw_scheme, NEW.draw_supplied,
            NEW.entropy_source) THEN
        RAISE EXCEPTION 'The draw of campaign % is locked: seed, salt, commitments, scheme and'
            ' source cannot change', OLD.campaign_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.entropy_value <> '' AND NEW.entropy_value IS DISTINCT FROM OLD.entropy_value THEN
        RAISE EXCEPTION 'The public value of campaign % was entered already', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
# Rows of earlier files have no preferences: their campaigns are closed.
PREFERENCES = """
ALTER TABLE campaigns_fanscore DROP COLUMN market_id, ADD COLUMN preferences text;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_rejected_registrations_are_found_by_fan")]

    operations = [
        migrations.AddField(
            "campaign",
            "salt_commitment",
            models.CharField(
                blank=True,
                default="",
                editable=False,
                help_text="Hex SHA-256 of the salt",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            "campaign",
            "commitment",
            models.CharField(
                blank=True, editable=False, help_text="Hex SHA-256 of the seed", max_length=64
            ),
        ),
        migrations.AddField(
            "campaign",
            "draw_scheme",
            models.PositiveSmallIntegerField(
                default=2, editable=False, help_text="The rules it is drawn and proved by"
            ),
        ),
        migrations.RunSQL(KEEP_SCHEME_1, migrations.RunSQL.noop),
        migrations.RunSQL(DRAW_IS_LOCKED, migrations.RunSQL.noop),
        migrations.RemoveConstraint("campaign", "campaign_open_has_its_draw"),
        migrations.AddConstraint(
            "campaign",
            models.CheckConstraint(
                name="campaign_open_has_its_draw",
                condition=models.Q(
                    ("status", "draft"),
                    models.Q(
                        ("seed__isnull", False),
                        ("salt__isnull", False),
                        models.Q(("commitment", ""), _negated=True),
                        models.Q(
                            ("draw_scheme", 1),
                            models.Q(("salt_commitment", ""), _negated=True),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
            ),
        ),
        migrations.RunSQL(
            PREFERENCES,
            "ALTER TABLE campaigns_fanscore DROP COLUMN preferences,"
            " ADD COLUMN market_id text NOT NULL DEFAULT ''",
        ),
    ]
