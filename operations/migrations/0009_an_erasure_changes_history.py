"""History is kept as it was written, except that an erasure takes a fan out of a reason. [X-11]"""

from django.db import migrations

BUT_FOR_ERASURES = """
DROP TRIGGER statuschange_is_kept ON operations_statuschange;
CREATE TRIGGER statuschange_is_kept BEFORE UPDATE ON operations_statuschange FOR EACH ROW
    WHEN (current_setting('fairwave.erasure', true) IS DISTINCT FROM 'on'
        OR (NEW.subject_kind, NEW.subject_id, NEW.from_state, NEW.to_state, NEW.at)
            IS DISTINCT FROM (OLD.subject_kind, OLD.subject_id, OLD.from_state, OLD.to_state, OLD.at))
    EXECUTE FUNCTION operations_refuse('history is kept as it was written');
CREATE TRIGGER statuschange_is_not_deleted BEFORE DELETE ON operations_statuschange
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('history is kept as it was written');
"""
ALWAYS = """
DROP TRIGGER statuschange_is_not_deleted ON operations_statuschange;
DROP TRIGGER statuschange_is_kept ON operations_statuschange;
CREATE TRIGGER statuschange_is_kept BEFORE UPDATE OR DELETE ON operations_statuschange
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('history is kept as it was written');
"""


class Migration(migrations.Migration):
    dependencies = [("operations", "0008_jobs_and_alerts_are_found_by_time")]

    operations = [migrations.RunSQL(BUT_FOR_ERASURES, ALWAYS)]
