"""Jobs and their chunks, alerts, and the history of changes, which is never altered. [O-1, W-2]"""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

# other apps' triggers call the function, too
HISTORY_IS_KEPT = """
CREATE FUNCTION operations_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER statuschange_is_kept BEFORE UPDATE OR DELETE ON operations_statuschange
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('history is kept as it was written');
"""
HISTORY_IS_NOT_KEPT = """
DROP TRIGGER statuschange_is_kept ON operations_statuschange;
DROP FUNCTION operations_refuse();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['id'], name='alert_pending')],
            },
        ),
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
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Chunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('done', 'Done')], default='pending', max_length=12)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('first', models.BigIntegerField(default=0)),
                ('last', models.BigIntegerField(default=0)),
                ('rows_in', models.BigIntegerField(default=0)),
                ('rows_out', models.BigIntegerField(default=0)),
                ('rows_rejected', models.BigIntegerField(default=0)),
                ('counts', models.JSONField(blank=True, default=dict)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='operations.job')),
            ],
        ),
        migrations.CreateModel(
            name='StatusChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_kind', models.CharField(help_text='A noun, such as score_file', max_length=40)),
                ('subject_id', models.CharField(blank=True, help_text='What the subject is found by', max_length=120)),
                ('from_state', models.CharField(blank=True, max_length=20)),
                ('to_state', models.CharField(max_length=20)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('reason', models.TextField(blank=True)),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'history entry',
                'verbose_name_plural': 'history',
            },
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['subject_kind', 'subject_id', '-id'], name='job_subject'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ('queued', 'running', 'paused'))), fields=['lease_until'], name='job_live'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('rows_out'), '+', models.F('rows_rejected'))), _connector='OR'), name='job_ledger'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='job_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('queued', 'running', 'paused'))), fields=('kind', 'subject_kind', 'subject_id', 'arguments'), name='job_one_live'),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.UniqueConstraint(fields=('job', 'number'), name='chunk_once'),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('rows_out'), '+', models.F('rows_rejected'))), _connector='OR'), name='chunk_ledger'),
        ),
        migrations.AddIndex(
            model_name='statuschange',
            index=models.Index(fields=['subject_kind', 'subject_id', '-id'], name='statuschange_subject'),
        ),
        migrations.RunSQL(HISTORY_IS_KEPT, HISTORY_IS_NOT_KEPT),
    ]
