"""What was written down about a change of state is never altered."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION operations_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER statuschange_is_kept BEFORE UPDATE OR DELETE ON operations_statuschange
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('history is kept as it was written');
"""
BACKWARD = """
DROP TRIGGER statuschange_is_kept ON operations_statuschange;
DROP FUNCTION operations_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
