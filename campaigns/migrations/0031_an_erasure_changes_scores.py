"""Scores are never updated, except that an erasure takes a fan out of them: then nothing changes
that the draw goes by. [S-13, X-11]
"""

from django.db import migrations

BUT_FOR_ERASURES = """
CREATE FUNCTION campaigns_scores_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('fairwave.erasure', true) = 'on'
            AND (NEW.score_file_id, NEW.line, NEW.raw_text, NEW.raw_score, NEW.band, NEW.tags)
                IS NOT DISTINCT FROM
                (OLD.score_file_id, OLD.line, OLD.raw_text, OLD.raw_score, OLD.band, OLD.tags)
            AND (NEW.band_score, NEW.luck, NEW.preferences)
                IS NOT DISTINCT FROM (OLD.band_score, OLD.luck, OLD.preferences) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'scores are inserted, never updated' USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER fanscore_is_never_updated ON campaigns_fanscore;
CREATE TRIGGER fanscore_is_never_updated BEFORE UPDATE ON campaigns_fanscore
    FOR EACH ROW EXECUTE FUNCTION campaigns_scores_stay();
"""
NEVER = """
DROP TRIGGER fanscore_is_never_updated ON campaigns_fanscore;
DROP FUNCTION campaigns_scores_stay();
CREATE TRIGGER fanscore_is_never_updated BEFORE UPDATE ON campaigns_fanscore
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('scores are inserted, never updated');
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0030_time_zones_of_markets")]

    operations = [migrations.RunSQL(BUT_FOR_ERASURES, NEVER)]
