"""Assignments are immutable; a wave's state keeps its members' hold on their fans and its campaign's freeze. [K-6, S-13]"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION waves_assignment_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('fairwave.erasure', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.campaign_id, NEW.global_user_id, NEW.code_id)
            IS NOT DISTINCT FROM (OLD.campaign_id, OLD.global_user_id, OLD.code_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Assignment % is immutable: its campaign, fan and code cannot be changed', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER assignment_is_immutable BEFORE UPDATE OR DELETE ON waves_assignment
    FOR EACH ROW EXECUTE FUNCTION waves_assignment_is_immutable();

CREATE FUNCTION waves_state_is_felt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state IN ('cancelled', 'failed')) <> (OLD.state IN ('cancelled', 'failed')) THEN
        UPDATE waves_member SET holds_fan = NEW.state NOT IN ('cancelled', 'failed') WHERE wave_id = NEW.id;
    END IF;
    UPDATE campaigns_campaign SET frozen = EXISTS (
        SELECT 1 FROM waves_wave WHERE campaign_id = NEW.campaign_id
            AND state IN ('prepared', 'approved', 'scheduled', 'held', 'triggered', 'paused'))
    WHERE id = NEW.campaign_id AND frozen IS DISTINCT FROM EXISTS (
        SELECT 1 FROM waves_wave WHERE campaign_id = NEW.campaign_id
            AND state IN ('prepared', 'approved', 'scheduled', 'held', 'triggered', 'paused'));
    RETURN NULL;
END $$;
CREATE TRIGGER wave_state_is_felt AFTER UPDATE OF state ON waves_wave
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION waves_state_is_felt();
"""
BACKWARD = """
DROP TRIGGER wave_state_is_felt ON waves_wave;
DROP FUNCTION waves_state_is_felt();
DROP TRIGGER assignment_is_immutable ON waves_assignment;
DROP FUNCTION waves_assignment_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("waves", "0001_initial"), ("operations", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
