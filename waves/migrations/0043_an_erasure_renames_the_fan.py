"""In an erasure an assignment keeps its campaign and code, and the fan gets another name; members
who hold their code again follow it. [K-6, X-11]
"""

from django.db import migrations

IMMUTABLE = """
CREATE OR REPLACE FUNCTION waves_assignment_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('fairwave.erasure', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.campaign_id, NEW.code_id)
            IS NOT DISTINCT FROM (OLD.campaign_id, OLD.code_id)
            AND (NEW.global_user_id = OLD.global_user_id {erasure}) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Assignment % is immutable: its campaign, fan and code cannot be changed', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
"""
IN_AN_ERASURE = "OR current_setting('fairwave.erasure', true) = 'on'"
HOLDS_THE_CODE = """
ALTER TABLE waves_member DROP CONSTRAINT member_reassigned_holds_the_code;
ALTER TABLE waves_member ADD CONSTRAINT member_reassigned_holds_the_code
    FOREIGN KEY (reassigned_id, campaign_id, global_user_id, market_id)
    REFERENCES waves_assignment (id, campaign_id, global_user_id, market_id) {follows};
"""


class Migration(migrations.Migration):
    dependencies = [("waves", "0042_selections")]

    operations = [
        migrations.RunSQL(
            IMMUTABLE.format(erasure=IN_AN_ERASURE), IMMUTABLE.format(erasure="")
        ),
        migrations.RunSQL(
            HOLDS_THE_CODE.format(follows="ON UPDATE CASCADE"), HOLDS_THE_CODE.format(follows="")
        ),
    ]
