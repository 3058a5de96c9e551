"""The log of who saw personal data and the receipts of erasures, neither of which is ever altered; failed
sign-ins.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from operations.database.tables import CreateModels

# Written down before it was shown, and never altered, except that an erasure takes a fan out.
LOG_IS_KEPT = """
CREATE TRIGGER personaldataaccess_is_kept BEFORE UPDATE ON console_personaldataaccess FOR EACH ROW
    WHEN (current_setting('fairwave.erasure', true) IS DISTINCT FROM 'on'
        OR (NEW.user_id, NEW.what, NEW.at) IS DISTINCT FROM (OLD.user_id, OLD.what, OLD.at))
    EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
CREATE TRIGGER personaldataaccess_is_not_deleted BEFORE DELETE ON console_personaldataaccess
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
"""
LOG_IS_NOT_KEPT = """
DROP TRIGGER personaldataaccess_is_not_deleted ON console_personaldataaccess;
DROP TRIGGER personaldataaccess_is_kept ON console_personaldataaccess;
"""
# They grow until they are finished, and are never altered then.
RECEIPTS_ARE_KEPT = """
CREATE TRIGGER erasure_is_kept BEFORE DELETE ON console_erasure
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('receipts of erasures are kept');
CREATE TRIGGER erasure_is_final BEFORE UPDATE ON console_erasure
    FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL)
    EXECUTE FUNCTION operations_refuse('a finished receipt is kept as it was written');
CREATE FUNCTION console_receipt_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM console_erasure WHERE id = NEW.erasure_id AND finished_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a finished receipt is kept as it was written' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erasedplace_is_kept BEFORE DELETE ON console_erasedplace
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('receipts of erasures are kept');
CREATE TRIGGER erasedplace_is_final BEFORE INSERT OR UPDATE ON console_erasedplace
    FOR EACH ROW EXECUTE FUNCTION console_receipt_is_open();
"""
RECEIPTS_ARE_NOT_KEPT = """
DROP TRIGGER erasedplace_is_final ON console_erasedplace;
DROP TRIGGER erasedplace_is_kept ON console_erasedplace;
DROP FUNCTION console_receipt_is_open();
DROP TRIGGER erasure_is_final ON console_erasure;
DROP TRIGGER erasure_is_kept ON console_erasure;
"""
# [O-5]
ONE_USER_PER_EMAIL = (
    "CREATE UNIQUE INDEX user_email_once ON auth_user (lower(email)) WHERE email <> ''"
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('operations', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='PersonalDataAccess',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('what', models.CharField(choices=[('shown', 'shown on pages for 15 minutes'), ('found', 'searched for a fan'), ('exported', 'downloaded')], max_length=10)),
                    ('subject', models.CharField(blank=True, help_text='The file downloaded, or the campaign searched', max_length=300)),
                    ('reason', models.TextField()),
                    ('at', models.DateTimeField(auto_now_add=True)),
                    ('correlation_id', models.CharField(blank=True, max_length=64)),
                ],
                options={
                    'verbose_name': 'personal data log entry',
                    'verbose_name_plural': 'personal data log',
                    'default_permissions': ('view',),
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='access_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Erasure',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('fan_digest', models.CharField(help_text="Keyed hash of the fan's id", max_length=64, verbose_name='fan')),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('reason', models.TextField()),
                    ('begun_at', models.DateTimeField(auto_now_add=True, verbose_name='begun')),
                    ('until', models.DateTimeField(blank=True, help_text='The fan is removed from everything archived before this time', null=True)),
                    ('finished_at', models.DateTimeField(blank=True, help_text='Empty while the erasure is not complete', null=True, verbose_name='finished')),
                    ('not_reached', models.JSONField(default=list, help_text='Places where the fan was not erased: place, count if known, reason')),
                    ('sought', models.JSONField(default=dict, editable=False, help_text='Whom an open erasure looks for: the id and known contacts; empty at its end')),
                    ('correlation_id', models.CharField(blank=True, max_length=64)),
                ],
                options={
                    'permissions': [('erase_fan', 'Can erase a fan')],
                    'default_permissions': ('view',),
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='erasure_says_why'),
                        models.CheckConstraint(condition=models.Q(('finished_at', None), ('until__isnull', False), _connector='OR'), name='erasure_says_until_when'),
                        models.CheckConstraint(condition=models.Q(('finished_at', None), ('sought', {}), _connector='OR'), name='erasure_finished_names_nobody'),
                        models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('fan_digest',), name='erasure_one_open'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ErasedPlace',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('erasure', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='places', to='console.erasure', db_index=False)),
                    ('area', models.CharField(max_length=40)),
                    ('what', models.CharField(help_text='file, error file or table', max_length=12)),
                    ('name', models.CharField(help_text='Object key, or name of the table', max_length=1024)),
                    ('count', models.PositiveIntegerField(help_text='Records of a file, events of an error file, rows of a table')),
                    ('at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['id'],
                    'default_permissions': (),
                    'constraints': [
                        models.UniqueConstraint(fields=('erasure', 'area', 'what', 'name'), name='erasedplace_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SignInCounter',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=80, unique=True)),
                    ('account', models.CharField(blank=True, db_index=True, max_length=80)),
                    ('failures', models.PositiveIntegerField(default=0)),
                    ('since', models.DateTimeField(null=True)),
                    ('last_at', models.DateTimeField(db_index=True, null=True)),
                ],
                options={
                    'default_permissions': (),
                },
            ),
        ]),
        migrations.RunSQL(LOG_IS_KEPT, LOG_IS_NOT_KEPT),
        migrations.RunSQL(RECEIPTS_ARE_KEPT, RECEIPTS_ARE_NOT_KEPT),
        migrations.RunSQL(ONE_USER_PER_EMAIL, "DROP INDEX user_email_once"),
    ]
