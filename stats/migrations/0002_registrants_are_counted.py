"""Registrants are counted by the transactions that change them. [O-3]

A row for each statement, never an update of one that others wait for. Of a statement that adds or
deletes registrants PostgreSQL hands over all rows at once; of one that changes them only those
whose phone was confirmed, or is not any more, call the function: marking millions as published
costs nothing.
"""

from __future__ import annotations

from django.db import migrations

TRIGGERS = """
CREATE FUNCTION stats_registrants_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
    SELECT campaign_id, count(*), count(*) FILTER (WHERE phone_confirmed)
    FROM added GROUP BY campaign_id;
    RETURN NULL;
END $$;
CREATE FUNCTION stats_registrants_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
    SELECT campaign_id, -count(*), -count(*) FILTER (WHERE phone_confirmed)
    FROM deleted GROUP BY campaign_id;
    RETURN NULL;
END $$;
CREATE FUNCTION stats_registrant_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
    VALUES (NEW.campaign_id, 0, CASE WHEN NEW.phone_confirmed THEN 1 ELSE -1 END);
    RETURN NULL;
END $$;
CREATE TRIGGER registrants_added_are_counted AFTER INSERT ON campaigns_registrant
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION stats_registrants_added();
CREATE TRIGGER registrants_deleted_are_counted AFTER DELETE ON campaigns_registrant
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION stats_registrants_deleted();
CREATE TRIGGER registrants_confirmed_are_counted
    AFTER UPDATE OF phone_confirmed ON campaigns_registrant
    FOR EACH ROW WHEN (OLD.phone_confirmed IS DISTINCT FROM NEW.phone_confirmed)
    EXECUTE FUNCTION stats_registrant_confirmed();
INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
SELECT campaign_id, count(*), count(*) FILTER (WHERE phone_confirmed)
FROM campaigns_registrant GROUP BY campaign_id;
"""
NO_TRIGGERS = """
DROP TRIGGER registrants_added_are_counted ON campaigns_registrant;
DROP TRIGGER registrants_deleted_are_counted ON campaigns_registrant;
DROP TRIGGER registrants_confirmed_are_counted ON campaigns_registrant;
DROP FUNCTION stats_registrants_added();
DROP FUNCTION stats_registrants_deleted();
DROP FUNCTION stats_registrant_confirmed();
DELETE FROM stats_registrantcount;
"""


class Migration(migrations.Migration):
    dependencies = [("stats", "0001_initial")]

    operations = [migrations.RunSQL(TRIGGERS, NO_TRIGGERS)]
