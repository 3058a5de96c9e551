"""The lake's files and merges, and the streams that feed it."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

# Payloads come compressed: PostgreSQL keeps them outside the row and does not compress them again.
NOT_COMPRESSED_AGAIN = "ALTER TABLE datalake_streambatch ALTER COLUMN payload SET STORAGE EXTERNAL"
COMPRESSED_AGAIN = "ALTER TABLE datalake_streambatch ALTER COLUMN payload SET STORAGE EXTENDED"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='SeenRecord',
            fields=[
                ('pk', models.CompositePrimaryKey('digest', 'consumer', blank=True, editable=False, primary_key=True, serialize=False)),
                ('consumer', models.CharField(max_length=40)),
                ('digest', models.UUIDField()),
                ('claim', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Stream',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('position', models.BigIntegerField(default=0, help_text='Position of the newest batch; 0 = none yet')),
            ],
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('consumer', models.CharField(max_length=40)),
                ('stream', models.CharField(max_length=40)),
                ('position', models.BigIntegerField(default=0)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('consumer', 'stream'), name='checkpoint_once')],
            },
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('consumer', models.CharField(max_length=40)),
                ('source', models.CharField(help_text="A stream's name, or file:KEY", max_length=1100)),
                ('first', models.BigIntegerField(default=0)),
                ('last', models.BigIntegerField(default=0)),
                ('state', models.CharField(choices=[('open', 'Open'), ('done', 'Done')], default='open', max_length=8)),
                ('records_in', models.BigIntegerField(default=0)),
                ('records_out', models.BigIntegerField(default=0)),
                ('invalid', models.BigIntegerField(default=0, help_text='Moved to the dead letters')),
                ('duplicates', models.BigIntegerField(default=0, help_text='Processed before')),
                ('claimed_at', models.DateTimeField(auto_now_add=True)),
                ('done_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('consumer', 'source'), name='claim_one_open'), models.UniqueConstraint(fields=('consumer', 'source', 'first'), name='claim_range_once'), models.CheckConstraint(condition=models.Q(('first__lte', models.F('last'))), name='claim_range'), models.CheckConstraint(condition=models.Q(('state', 'open'), ('records_in', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('records_out'), '+', models.F('invalid')), '+', models.F('duplicates'))), _connector='OR'), name='claim_ledger')],
            },
        ),
        migrations.CreateModel(
            name='DeadLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('consumer', models.CharField(max_length=40)),
                ('source', models.CharField(help_text="A stream's name, or file:KEY", max_length=1100)),
                ('position', models.BigIntegerField()),
                ('index', models.PositiveIntegerField(help_text='Number of the record in its batch, from 0')),
                ('error', models.CharField(max_length=300)),
                ('record', models.TextField(help_text='The record as JSON')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('replayed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('consumer', 'source', 'position', 'index'), name='deadletter_once')],
            },
        ),
        migrations.CreateModel(
            name='LakePartition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record_type', models.CharField(max_length=40)),
                ('day', models.DateField()),
                ('records', models.BigIntegerField(default=0)),
                ('content_hash', models.CharField(default='0000000000000000000000000000000000000000000000000000000000000000', help_text='Sum over all its records, hexadecimal', max_length=64)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('record_type', 'day'), name='lakepartition_once'), models.CheckConstraint(condition=models.Q(('records__gte', 0)), name='lakepartition_counts')],
            },
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record_type', models.CharField(max_length=40)),
                ('period', models.CharField(help_text='2026-01-20, or 2026-01 for a month', max_length=10)),
                ('generation', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('fragmented', 'Fragmented'), ('querying', 'Querying'), ('consolidating', 'Consolidating'), ('merged', 'Merged'), ('archived', 'Archived')], default='fragmented', max_length=16)),
                ('attempt', models.PositiveIntegerField(default=0, help_text='Counted before the work; every write names it')),
                ('error', models.TextField(blank=True)),
                ('merged_key', models.CharField(blank=True, max_length=1024)),
                ('files', models.PositiveIntegerField(default=0)),
                ('records_in', models.BigIntegerField(default=0)),
                ('records_out', models.BigIntegerField(default=0)),
                ('bytes_before', models.BigIntegerField(default=0)),
                ('bytes_after', models.BigIntegerField(default=0)),
                ('seconds', models.FloatField(default=0)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('merged_at', models.DateTimeField(blank=True, null=True)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('record_type', 'period', 'generation'), name='merge_generation_once'), models.UniqueConstraint(condition=models.Q(('state__in', ['merged', 'archived']), _negated=True), fields=('record_type', 'period'), name='merge_one_at_a_time'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['merged', 'archived']), _negated=True), ('records_in', models.F('records_out')), _connector='OR'), name='merge_ledger')],
            },
        ),
        migrations.CreateModel(
            name='StreamBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stream', models.CharField(max_length=40)),
                ('position', models.BigIntegerField()),
                ('batch_key', models.CharField(help_text='What it is, made by the publisher: published again, it stays one', max_length=200)),
                ('form', models.CharField(choices=[('frame', 'Frame'), ('json', 'Json')], max_length=8)),
                ('schema', models.CharField(blank=True, help_text="Of a frame: its schema's name, e.g. scoring.v1", max_length=60)),
                ('records', models.PositiveIntegerField()),
                ('payload', models.BinaryField(help_text='Compressed already; PostgreSQL does not compress it again')),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('published_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name_plural': 'stream batches',
                'constraints': [models.UniqueConstraint(fields=('stream', 'position'), name='streambatch_position'), models.UniqueConstraint(fields=('stream', 'batch_key'), name='streambatch_key')],
            },
        ),
        migrations.CreateModel(
            name='LakeFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='Object key in the campaign data bucket', max_length=1024, unique=True)),
                ('record_type', models.CharField(max_length=40)),
                ('period', models.CharField(help_text="2026-01-20, or 2026-01 for a month's merged file", max_length=10)),
                ('state', models.CharField(choices=[('loose', 'Loose'), ('merged', 'Merged'), ('superseded', 'Superseded'), ('archived', 'Archived')], default='loose', max_length=12)),
                ('generation', models.PositiveIntegerField(default=0, help_text='Of a merged file; 0 = as it was saved')),
                ('schema', models.CharField(help_text='Name of its schema, e.g. scoring.v1', max_length=60)),
                ('records', models.BigIntegerField()),
                ('bytes', models.BigIntegerField()),
                ('content_hash', models.CharField(max_length=64)),
                ('sha256', models.CharField(blank=True, help_text='Of merged files taken when they are archived', max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('claim', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='datalake.claim')),
                ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sources', to='datalake.merge')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ('loose', 'merged'))), fields=['record_type', 'period'], name='lakefile_readable')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'merged')), fields=('record_type', 'period'), name='lakefile_one_merged'), models.UniqueConstraint(condition=models.Q(('generation__gt', 0)), fields=('record_type', 'period', 'generation'), name='lakefile_generation_once'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'merged'), _negated=True), ('generation__gt', 0), _connector='OR'), name='lakefile_merged_is_a_generation'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('loose', 'merged')), _negated=True), ('merged_into', None), _connector='OR'), name='lakefile_readable_is_not_merged_away')],
            },
        ),
        migrations.RunSQL(NOT_COMPRESSED_AGAIN, COMPRESSED_AGAIN),
    ]
