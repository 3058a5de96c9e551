"""What was committed to when a campaign was opened stays, and only a draft is deleted. [S-8]"""

from __future__ import annotations

DRAW_IS_LOCKED = """
CREATE FUNCTION campaigns_draw_is_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seed IS NULL THEN
        RETURN NEW;
    END IF;
    IF (OLD.seed, OLD.salt, OLD.commitment, OLD.salt_commitment, OLD.draw_scheme, OLD.draw_supplied)
            IS DISTINCT FROM (NEW.seed, NEW.salt, NEW.commitment, NEW.salt_commitment,
            NEW.draw_scheme, NEW.draw_supplied) THEN
        RAISE EXCEPTION 'The draw of campaign % is locked: seed, salt, commitments and scheme cannot'
            ' change', OLD.campaign_id USING ERRCODE = 'restrict_violation';
    END IF;
    -- once, before its time, to a time to come, and what it was is kept
    IF (OLD.entropy_source, OLD.entropy_chain, OLD.entropy_round, OLD.entropy_form,
            OLD.entropy_public_at) IS DISTINCT FROM (NEW.entropy_source, NEW.entropy_chain,
            NEW.entropy_round, NEW.entropy_form, NEW.entropy_public_at)
        AND NOT (OLD.entropy_public_at > clock_timestamp()
            AND NEW.entropy_public_at > clock_timestamp()
            AND EXISTS (SELECT FROM campaigns_sourcemove m WHERE m.campaign_id = OLD.id
                AND (m.source, m.chain, m.round, m.form, m.public_at) IS NOT DISTINCT FROM
                    (OLD.entropy_source, OLD.entropy_chain, OLD.entropy_round, OLD.entropy_form,
                    OLD.entropy_public_at))) IS TRUE THEN
        RAISE EXCEPTION 'The draw of campaign % is locked: its public source moves once, before its'
            ' time', OLD.campaign_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.entropy_value <> '' AND (NEW.entropy_value, NEW.entropy_entered_at) IS DISTINCT FROM
            (OLD.entropy_value, OLD.entropy_entered_at) THEN
        RAISE EXCEPTION 'The public value of campaign % was entered already', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_draw_is_locked BEFORE UPDATE ON campaigns_campaign
    FOR EACH ROW EXECUTE FUNCTION campaigns_draw_is_locked();
CREATE TRIGGER sourcemove_is_kept BEFORE UPDATE OR DELETE ON campaigns_sourcemove
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('a moved source is kept as it was');
"""
DRAW_IS_NOT_LOCKED = """
DROP TRIGGER sourcemove_is_kept ON campaigns_sourcemove;
DROP TRIGGER campaign_draw_is_locked ON campaigns_campaign;
DROP FUNCTION campaigns_draw_is_locked();
"""
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
