"""A code is free or a fan's, and one that is assigned stays as it is. [K-5, K-6]"""

from django.db import migrations, models

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


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0024_codes_for_a_fan_are_asked_for_in_batches'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='code', name='code_available_is_free'),
        migrations.AddConstraint(
            model_name='code',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('global_user_id', ''), ('state__in', ('available', 'released')), ('wave__isnull', True)), models.Q(models.Q(('state__in', ('available', 'released')), _negated=True), models.Q(('global_user_id', ''), _negated=True), ('wave__isnull', False)), _connector='OR'), name='code_is_free_or_a_fans'),
        ),
        migrations.RunSQL(ASSIGNED_CODES_STAY, ASSIGNED_CODES_CHANGE),
    ]
