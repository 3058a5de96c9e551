"""An open receipt says whom it looks for, a finished one nobody; an erasure takes a fan out of the
log of personal data. [X-11]
"""

from django.db import migrations, models

BUT_FOR_ERASURES = """
DROP TRIGGER personaldataaccess_is_kept ON console_personaldataaccess;
CREATE TRIGGER personaldataaccess_is_kept BEFORE UPDATE ON console_personaldataaccess FOR EACH ROW
    WHEN (current_setting('fairwave.erasure', true) IS DISTINCT FROM 'on'
        OR (NEW.user_id, NEW.what, NEW.at) IS DISTINCT FROM (OLD.user_id, OLD.what, OLD.at))
    EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
CREATE TRIGGER personaldataaccess_is_not_deleted BEFORE DELETE ON console_personaldataaccess
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
"""
ALWAYS = """
DROP TRIGGER personaldataaccess_is_not_deleted ON console_personaldataaccess;
DROP TRIGGER personaldataaccess_is_kept ON console_personaldataaccess;
CREATE TRIGGER personaldataaccess_is_kept BEFORE UPDATE OR DELETE ON console_personaldataaccess
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
"""


class Migration(migrations.Migration):
    dependencies = [("console", "0003_receipts_hold_a_keyed_hash")]

    operations = [
        migrations.AddField(
            "erasure",
            "sought",
            models.JSONField(
                default=dict,
                editable=False,
                help_text="Whom an open erasure looks for: the id and known contacts; empty at its end",
            ),
        ),
        migrations.AddConstraint(
            "erasure",
            models.CheckConstraint(
                name="erasure_finished_names_nobody",
                condition=models.Q(finished_at=None) | models.Q(sought={}),
            ),
        ),
        migrations.RunSQL(BUT_FOR_ERASURES, ALWAYS),
    ]
