"""A fan's code stays the fan's. [K-5, K-6]"""

from __future__ import annotations

# In an erasure an assignment keeps its campaign and code, and the fan gets another name.
ASSIGNMENTS_ARE_IMMUTABLE = """
CREATE FUNCTION waves_assignment_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('fairwave.erasure', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.campaign_id, NEW.code_id)
            IS NOT DISTINCT FROM (OLD.campaign_id, OLD.code_id)
            AND (NEW.global_user_id = OLD.global_user_id OR current_setting('fairwave.erasure', true) = 'on') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Assignment % is immutable: its campaign, fan and code cannot be changed', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER assignment_is_immutable BEFORE UPDATE OR DELETE ON waves_assignment
    FOR EACH ROW EXECUTE FUNCTION waves_assignment_is_immutable();
"""
ASSIGNMENTS_ARE_MUTABLE = """
DROP TRIGGER assignment_is_immutable ON waves_assignment;
DROP FUNCTION waves_assignment_is_immutable();
"""
# The condition is judged without calling the function, so the many updates of codes that are not
# assigned yet cost nothing more.
ASSIGNED_CODES_STAY = """
CREATE FUNCTION waves_assigned_code_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('fairwave.erasure', true) = 'on' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Code % is assigned: its text, campaign, wave and fan cannot be changed, and it is not free again',
        OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER assigned_code_stays BEFORE UPDATE ON waves_code FOR EACH ROW
    WHEN (OLD.state IN ('assigned', 'published') AND (
        NEW.state NOT IN ('assigned', 'published') OR OLD.state = 'published' AND NEW.state = 'assigned'
        OR (NEW.code, NEW.campaign_id, NEW.wave_id, NEW.global_user_id)
            IS DISTINCT FROM (OLD.code, OLD.campaign_id, OLD.wave_id, OLD.global_user_id)))
    EXECUTE FUNCTION waves_assigned_code_stays();
"""
ASSIGNED_CODES_CHANGE = """
DROP TRIGGER assigned_code_stays ON waves_code;
DROP FUNCTION waves_assigned_code_stays();
"""
