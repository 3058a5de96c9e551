"""Who saw personal data was written down before it was shown; it is never altered."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER personaldataaccess_is_kept BEFORE UPDATE OR DELETE ON console_personaldataaccess
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
"""
BACKWARD = "DROP TRIGGER personaldataaccess_is_kept ON console_personaldataaccess"


class Migration(migrations.Migration):
    dependencies = [("console", "0001_initial"), ("operations", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
