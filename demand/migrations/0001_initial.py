"""Batches of change events, the files made of them, the current state of each record, and the events
that fans were selected for. [T-4]
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from operations.database.tables import CreateModels

# A changed record finds room beside its old version, so that its indexes need not change: 78 of 100
# changes instead of 33.
ROOM_FOR_CHANGES = "ALTER TABLE demand_currentrecord SET (fillfactor = 85)"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('datalake', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Shard',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('stream', models.CharField(max_length=128)),
                    ('shard_id', models.CharField(max_length=128)),
                    ('parents', models.JSONField(default=list, help_text='Shards that must be claimed to their end before this one is begun')),
                    ('since', models.DateTimeField(blank=True, help_text='Read from this instant; none = from its first record', null=True)),
                    ('claimed', models.CharField(blank=True, help_text='Sequence number of the last record that is claimed', max_length=128)),
                    ('ended', models.BooleanField(default=False, help_text='The shard was split or merged, and all its records are claimed')),
                    ('looked_at', models.DateTimeField(blank=True, null=True)),
                    ('behind_seconds', models.FloatField(default=0, help_text='Age of the records that are being read')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('stream', 'shard_id'), name='demand_shard_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='EventUpload',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=255)),
                    ('sha256', models.CharField(help_text='The same bytes are the same upload', max_length=64, unique=True)),
                    ('key', models.CharField(help_text='Object key in the scoring bucket while it is worked on', max_length=200)),
                    ('bytes', models.BigIntegerField()),
                    ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                ],
            ),
            migrations.CreateModel(
                name='Batch',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('source', models.CharField(help_text='kinesis:STREAM/SHARD, file:SHA-256, or replay:ERROR FILE', max_length=300)),
                    ('first', models.CharField(help_text='Position of its first event: sequence number, or line', max_length=128)),
                    ('last', models.CharField(max_length=128)),
                    ('state', models.CharField(choices=[('open', 'open'), ('done', 'done'), ('lost', 'gone from the stream')], default='open', max_length=8)),
                    ('attempt', models.PositiveIntegerField(default=0, help_text='Counted before the work; every write names it')),
                    ('events', models.PositiveIntegerField(help_text='Events in')),
                    ('archived', models.PositiveIntegerField(default=0)),
                    ('errors', models.PositiveIntegerField(default=0)),
                    ('error_counts', models.JSONField(default=dict, help_text='Errors by type')),
                    ('type_counts', models.JSONField(default=dict, help_text='Archived records by type')),
                    ('unknown_attributes', models.PositiveIntegerField(default=0, help_text='Attributes that are not in the schema, ignored')),
                    ('systems_left_out', models.PositiveIntegerField(default=0, help_text='systemUserId that is not in the form a.b.c, ignored [D-3]')),
                    ('seconds', models.FloatField(default=0)),
                    ('created_at', models.DateTimeField(help_text='Used as the time of events that have none')),
                    ('done_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'verbose_name_plural': 'batches',
                    'indexes': [
                        models.Index(condition=models.Q(('state', 'open')), fields=['source'], name='demand_batch_open'),
                        models.Index(fields=['created_at'], name='demand_batch_created'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('source', 'first'), name='demand_batch_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('events', django.db.models.expressions.CombinedExpression(models.F('archived'), '+', models.F('errors'))), _connector='OR'), name='demand_batch_ledger'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Delivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='demand.batch')),
                    ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='delivery', to='datalake.lakefile')),
                ],
                options={
                    'verbose_name_plural': 'deliveries',
                },
            ),
            migrations.CreateModel(
                name='ErrorFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='error_files', to='demand.batch', db_index=False)),
                    ('error_type', models.CharField(choices=[('not_utf8', 'Not UTF-8'), ('not_json', 'Not JSON'), ('too_large', 'Too large'), ('wrong_envelope', 'Not a change event'), ('missing_image', 'Missing image'), ('unknown_type', 'Unknown type'), ('invalid_field', 'Missing or invalid field'), ('invalid_date', 'Missing or invalid date'), ('erased', 'Fan was erased')], max_length=16)),
                    ('key', models.CharField(help_text='Object key in the campaign data bucket', max_length=1024, unique=True)),
                    ('events', models.PositiveIntegerField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('batch', 'error_type'), name='demand_errorfile_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='CurrentRecord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('record_type', models.CharField(choices=[('demand', 'demand'), ('notification', 'notification'), ('event', 'event'), ('sale', 'sale')], max_length=12)),
                    ('reference_id', models.CharField(max_length=800)),
                    ('fan_id', models.CharField(blank=True, max_length=800)),
                    ('event_id', models.CharField(blank=True, max_length=800)),
                    ('sale_id', models.CharField(blank=True, max_length=800)),
                    ('changed_at', models.DateTimeField()),
                    ('sequence', models.DecimalField(decimal_places=0, default=0, max_digits=60)),
                    ('deleted', models.BooleanField(default=False)),
                    ('record', models.JSONField(help_text='As in the archive')),
                ],
                options={
                    'verbose_name': 'demand record',
                    'indexes': [
                        models.Index(condition=models.Q(('fan_id', ''), _negated=True), fields=['fan_id'], name='demand_current_fan'),
                        models.Index(fields=['event_id'], name='demand_current_event'),
                        models.Index(condition=models.Q(('sale_id', ''), _negated=True), fields=['sale_id'], name='demand_current_sale'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('reference_id', 'record_type'), name='demand_current_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Snapshot',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('file_id', models.BigIntegerField(help_text='LakeFile')),
                    ('number', models.PositiveIntegerField(help_text='Of the record in the file, from 0')),
                    ('record_type', models.CharField(choices=[('demand', 'demand'), ('notification', 'notification'), ('event', 'event'), ('sale', 'sale')], max_length=12)),
                    ('reference_id', models.CharField(max_length=800)),
                    ('changed_at', models.DateTimeField()),
                    ('sequence', models.DecimalField(decimal_places=0, default=0, max_digits=60)),
                    ('deleted', models.BooleanField(default=False)),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['reference_id'], name='demand_snapshot_reference'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SelectedEvents',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('global_user_id', models.TextField()),
                    ('by_campaign', models.JSONField(help_text='Campaign id → its events')),
                    ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='The events of all of them', size=None)),
                    ('version', models.BigIntegerField(default=1, help_text='Counts the changes')),
                    ('written_version', models.BigIntegerField(db_default=0, default=0, help_text='The last one that is in DynamoDB')),
                    ('written_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], default=list, help_text='The events that may be there', size=None)),
                    ('try_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it is written, or tried again after it was refused')),
                    ('error', models.TextField(blank=True, db_default='', help_text='Why DynamoDB refused it')),
                    ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ],
                options={
                    'verbose_name': 'selected events',
                    'verbose_name_plural': 'selected events',
                    'default_permissions': ('view',),
                    'indexes': [
                        models.Index(condition=models.Q(('written_version__lt', models.F('version'))), fields=['try_at', 'id'], name='demand_selected_unwritten'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('global_user_id',), name='demand_selected_fan'),
                        models.CheckConstraint(condition=models.Q(('written_version__lte', models.F('version'))), name='demand_selected_written_is_known'),
                    ],
                },
            ),
        ]),
        migrations.RunSQL(ROOM_FOR_CHANGES, migrations.RunSQL.noop),
    ]
