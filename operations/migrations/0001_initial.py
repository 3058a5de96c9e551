"""Jobs and their chunks, heartbeats, alerts, and the history of changes, which is never altered. [O-1, W-2]"""

import django.db.models.deletion
import django.db.models.expressions
import operations.database.clock
from django.conf import settings
from django.db import migrations, models

from operations.database.tables import CreateModels

# other apps' triggers call the function, too
HISTORY_IS_KEPT = """
CREATE FUNCTION operations_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER statuschange_is_not_deleted BEFORE DELETE ON operations_statuschange
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('history is kept as it was written');
"""
# It is kept as it was written, except that an erasure takes a fan out of a reason.
BUT_FOR_ERASURES = """
CREATE TRIGGER statuschange_is_kept BEFORE UPDATE ON operations_statuschange FOR EACH ROW
    WHEN (current_setting('fairwave.erasure', true) IS DISTINCT FROM 'on'
        OR (NEW.subject_kind, NEW.subject_id, NEW.from_state, NEW.to_state, NEW.at)
            IS DISTINCT FROM (OLD.subject_kind, OLD.subject_id, OLD.from_state, OLD.to_state, OLD.at))
    EXECUTE FUNCTION operations_refuse('history is kept as it was written');
"""
HISTORY_IS_NOT_KEPT = """
DROP TRIGGER statuschange_is_kept ON operations_statuschange;
DROP TRIGGER statuschange_is_not_deleted ON operations_statuschange;
DROP FUNCTION operations_refuse();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Job',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('subject_kind', models.CharField(help_text='A noun, such as score_file', max_length=40)),
                    ('subject_id', models.CharField(blank=True, help_text='What the subject is found by', max_length=120)),
                    ('kind', models.CharField(max_length=40)),
                    ('arguments', models.JSONField(blank=True, default=dict, help_text='What else the work needs; never personal data')),
                    ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('paused', 'Paused'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=12)),
                    ('attempt', models.PositiveIntegerField(default=0, help_text='Counted before the work; every write names it')),
                    ('correlation_id', models.CharField(blank=True, max_length=64)),
                    ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('started_at', models.DateTimeField(blank=True, null=True)),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                    ('stop_requested', models.CharField(blank=True, choices=[('pause', 'pause'), ('cancel', 'cancel')], max_length=12)),
                    ('total', models.BigIntegerField(default=0, help_text='Units of work expected, 0 while unknown')),
                    ('progress', models.BigIntegerField(default=0)),
                    ('pace', models.JSONField(default=dict, help_text='Its step, and its progress when it was last looked at')),
                    ('rows_in', models.BigIntegerField(default=0)),
                    ('rows_out', models.BigIntegerField(default=0)),
                    ('rows_rejected', models.BigIntegerField(default=0)),
                    ('error', models.TextField(blank=True)),
                    ('retry_at', models.DateTimeField(blank=True, help_text='When a failed job is queued again without a person', null=True)),
                    ('retries', models.PositiveIntegerField(default=0, help_text='How often that happened')),
                    ('waits_for', models.TextField(blank=True, help_text='The work that comes first, as its last try said')),
                    ('waits_since', models.DateTimeField(blank=True, help_text='Since when each try has said the same', null=True)),
                    ('wait_told_at', models.DateTimeField(blank=True, help_text='When an alert said it last', null=True)),
                    ('deaths', models.PositiveIntegerField(default=0, help_text='How often it was taken over from a worker that died or hung')),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['subject_kind', 'subject_id', '-id'], name='job_subject'),
                        models.Index(condition=models.Q(('state__in', ('queued', 'running', 'paused'))), fields=['lease_until'], name='job_live'),
                        models.Index(condition=models.Q(('retry_at__isnull', False)), fields=['retry_at'], name='job_retry'),
                        models.Index(fields=['finished_at'], name='job_finished'),
                    ],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('retry_at', None), ('state', 'failed'), _connector='OR'), name='job_retry_is_of_a_failed_one'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('rows_out'), '+', models.F('rows_rejected'))), _connector='OR'), name='job_ledger'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='job_failed_says_why'),
                        models.UniqueConstraint(condition=models.Q(('state__in', ('queued', 'running', 'paused'))), fields=('kind', 'subject_kind', 'subject_id', 'arguments'), name='job_one_live'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Chunk',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='operations.job', db_index=False)),
                    ('number', models.PositiveIntegerField()),
                    ('state', models.CharField(choices=[('pending', 'Pending'), ('done', 'Done')], default='pending', max_length=12)),
                    ('attempt', models.PositiveIntegerField(default=0)),
                    ('first', models.BigIntegerField(default=0)),
                    ('last', models.BigIntegerField(default=0)),
                    ('rows_in', models.BigIntegerField(default=0)),
                    ('rows_out', models.BigIntegerField(default=0)),
                    ('rows_rejected', models.BigIntegerField(default=0)),
                    ('counts', models.JSONField(blank=True, default=dict)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('job', 'number'), name='chunk_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('rows_out'), '+', models.F('rows_rejected'))), _connector='OR'), name='chunk_ledger'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Alert',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField()),
                    ('state', models.CharField(choices=[('pending', 'Pending'), ('sent', 'Sent'), ('dropped', 'Dropped')], default='pending', max_length=12)),
                    ('attempts', models.PositiveIntegerField(default=0)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'indexes': [
                        models.Index(condition=models.Q(('state', 'pending')), fields=['id'], name='alert_pending'),
                        models.Index(fields=['created_at'], name='alert_created'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Heartbeat',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('service', models.CharField(max_length=120)),
                    ('host', models.CharField(blank=True, max_length=255)),
                    ('pid', models.PositiveBigIntegerField(default=0)),
                    ('started_at', models.DateTimeField(blank=True, null=True)),
                    ('beat_at', models.DateTimeField()),
                    ('has_alerted', models.BooleanField(default=False)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('service', 'host', 'pid'), name='heartbeat_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='StatusChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('subject_kind', models.CharField(help_text='A noun, such as score_file', max_length=40)),
                    ('subject_id', models.CharField(blank=True, help_text='What the subject is found by', max_length=120)),
                    ('from_state', models.CharField(blank=True, max_length=20)),
                    ('to_state', models.CharField(max_length=20)),
                    ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('at', models.DateTimeField(default=operations.database.clock.database_time, editable=False)),
                    ('reason', models.TextField(blank=True)),
                    ('cause', models.CharField(blank=True, db_default='', default='', help_text='Why the system moved it; empty where a person did', max_length=20)),
                    ('correlation_id', models.CharField(blank=True, max_length=64)),
                ],
                options={
                    'verbose_name': 'history entry',
                    'verbose_name_plural': 'history',
                    'indexes': [
                        models.Index(fields=['subject_kind', 'subject_id', '-id'], name='statuschange_subject'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Pruned',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('rows', models.CharField(help_text='What was deleted, such as stream batches', max_length=60)),
                    ('day', models.DateField()),
                    ('deleted', models.BigIntegerField(default=0)),
                ],
                options={
                    'verbose_name': 'deleted rows',
                    'verbose_name_plural': 'deleted rows',
                    'default_permissions': ('view',),
                    'constraints': [
                        models.UniqueConstraint(fields=('rows', 'day'), name='pruned_once'),
                    ],
                },
            ),
        ]),
        migrations.RunSQL(HISTORY_IS_KEPT + BUT_FOR_ERASURES, HISTORY_IS_NOT_KEPT),
    ]
