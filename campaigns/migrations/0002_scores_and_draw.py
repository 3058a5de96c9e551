"""The table of scores, partitioned by score file, and what may never change: scores, and a campaign's draw. [S-8, S-13]"""

from django.db import migrations

FORWARD = """
CREATE TABLE campaigns_fanscore (
    score_file_id bigint NOT NULL,
    global_user_id text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    row_id text NOT NULL,
    member_id text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    phone_region text NOT NULL,
    phone_confirmed boolean NOT NULL,
    country text NOT NULL,
    raw_text text NOT NULL,
    raw_score double precision NOT NULL,
    band text NOT NULL,
    band_score double precision,
    luck bigint,
    tags text NOT NULL,
    market_id text NOT NULL,
    CONSTRAINT fanscore_pkey PRIMARY KEY (score_file_id, global_user_id),
    CONSTRAINT fanscore_drawn CHECK ((band_score IS NULL) = (luck IS NULL))
) PARTITION BY LIST (score_file_id);
CREATE INDEX fanscore_in_order ON campaigns_fanscore (score_file_id, band_score DESC, luck DESC, global_user_id);
CREATE TRIGGER fanscore_is_never_updated BEFORE UPDATE ON campaigns_fanscore
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('scores are inserted, never updated');

CREATE FUNCTION campaigns_draw_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seed IS NOT NULL AND (NEW.seed IS DISTINCT FROM OLD.seed OR NEW.salt IS DISTINCT FROM OLD.salt
            OR NEW.commitment IS DISTINCT FROM OLD.commitment OR NEW.draw_supplied IS DISTINCT FROM OLD.draw_supplied
            OR NEW.entropy_source IS DISTINCT FROM OLD.entropy_source) THEN
        RAISE EXCEPTION 'The draw of campaign % is fixed: seed, salt, commitment and source cannot change', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.entropy_value <> '' AND NEW.entropy_value IS DISTINCT FROM OLD.entropy_value THEN
        RAISE EXCEPTION 'The public value of campaign % was entered already', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_draw_is_fixed BEFORE UPDATE ON campaigns_campaign
    FOR EACH ROW EXECUTE FUNCTION campaigns_draw_is_fixed();
"""
BACKWARD = """
DROP TRIGGER campaign_draw_is_fixed ON campaigns_campaign;
DROP FUNCTION campaigns_draw_is_fixed();
DROP TABLE campaigns_fanscore;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("operations", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
