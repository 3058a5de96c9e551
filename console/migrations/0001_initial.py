"""The log of who saw personal data, and the receipts of erasures; neither is ever altered."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Written down before it was shown, and never altered.
LOG_IS_KEPT = """
CREATE TRIGGER personaldataaccess_is_kept BEFORE UPDATE OR DELETE ON console_personaldataaccess
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('the log of personal data is kept as it was written');
"""
LOG_IS_NOT_KEPT = "DROP TRIGGER personaldataaccess_is_kept ON console_personaldataaccess"
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


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('operations', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fan_sha256', models.CharField(help_text="SHA-256 of the fan's id", max_length=64, verbose_name='fan')),
                ('reason', models.TextField()),
                ('begun_at', models.DateTimeField(auto_now_add=True, verbose_name='begun')),
                ('until', models.DateTimeField(blank=True, help_text='The fan is removed from everything archived before this time', null=True)),
                ('finished_at', models.DateTimeField(blank=True, help_text='Empty while the erasure is not complete', null=True, verbose_name='finished')),
                ('not_reached', models.JSONField(default=list, help_text='Places where the fan was not erased: place, count if known, reason')),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('erase_fan', 'Can erase a fan')],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='ErasedPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('area', models.CharField(max_length=40)),
                ('what', models.CharField(help_text='file, error file or table', max_length=12)),
                ('name', models.CharField(help_text='Object key, or name of the table', max_length=1024)),
                ('count', models.PositiveIntegerField(help_text='Records of a file, events of an error file, rows of a table')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('erasure', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='places', to='console.erasure')),
            ],
            options={
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PersonalDataAccess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(choices=[('shown', 'shown on pages for 15 minutes'), ('found', 'searched for a fan'), ('exported', 'downloaded')], max_length=10)),
                ('subject', models.CharField(blank=True, help_text='The file downloaded, or the campaign searched', max_length=300)),
                ('reason', models.TextField()),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'personal data log entry',
                'verbose_name_plural': 'personal data log',
                'default_permissions': ('view',),
            },
        ),
        migrations.AddConstraint(
            model_name='erasure',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='erasure_says_why'),
        ),
        migrations.AddConstraint(
            model_name='erasure',
            constraint=models.CheckConstraint(condition=models.Q(('finished_at', None), ('until__isnull', False), _connector='OR'), name='erasure_says_until_when'),
        ),
        migrations.AddConstraint(
            model_name='erasure',
            constraint=models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('fan_sha256',), name='erasure_one_open'),
        ),
        migrations.AddConstraint(
            model_name='erasedplace',
            constraint=models.UniqueConstraint(fields=('erasure', 'area', 'what', 'name'), name='erasedplace_once'),
        ),
        migrations.AddConstraint(
            model_name='personaldataaccess',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='access_says_why'),
        ),
        migrations.RunSQL(LOG_IS_KEPT, LOG_IS_NOT_KEPT),
        migrations.RunSQL(RECEIPTS_ARE_KEPT, RECEIPTS_ARE_NOT_KEPT),
    ]
