"""The lake's files and merges, the streams that feed it, and what became of their records."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import operations.database.fields
from django.conf import settings
from django.db import migrations, models

from operations.database.tables import CreateModels

# Payloads come compressed: PostgreSQL keeps them outside the row and does not compress them again.
NOT_COMPRESSED_AGAIN = "ALTER TABLE datalake_streambatch ALTER COLUMN payload SET STORAGE EXTERNAL"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Stream',
                fields=[
                    ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                    ('position', models.BigIntegerField(default=0, help_text='Position of the newest batch; 0 = none yet')),
                ],
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
                    ('handed_over', models.JSONField(blank=True, help_text='Where its last records are in a stream outside the database: shard → position', null=True)),
                ],
                options={
                    'verbose_name_plural': 'stream batches',
                    'constraints': [
                        models.UniqueConstraint(fields=('stream', 'position'), name='streambatch_position'),
                        models.UniqueConstraint(fields=('stream', 'batch_key'), name='streambatch_key'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Checkpoint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('consumer', models.CharField(max_length=40)),
                    ('stream', models.CharField(max_length=40)),
                    ('shard', models.CharField(blank=True, default='', help_text='Empty where a stream has one order', max_length=128)),
                    ('position', operations.database.fields.PositionField(default=0)),
                    ('begun', operations.database.fields.PositionField(default=0, help_text='Last position of the batches in hand, if it is greater')),
                    ('ended', models.BooleanField(default=False, help_text='The shard was split or merged, and everything in it is consumed')),
                    ('attempts', models.PositiveIntegerField(default=0, help_text='How often they were begun and did not end')),
                    ('suspect_first', models.PositiveIntegerField(default=0, help_text='Records among which the one is that stops the consumer')),
                    ('suspect_end', models.PositiveIntegerField(default=0)),
                    ('updated_at', models.DateTimeField(auto_now=True)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('consumer', 'stream', 'shard'), name='checkpoint_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Claim',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('consumer', models.CharField(max_length=40)),
                    ('source', models.CharField(help_text="A stream's name, STREAM/SHARD, file:KEY, or queue:NAME", max_length=1100)),
                    ('first', operations.database.fields.PositionField(default=0)),
                    ('last', operations.database.fields.PositionField(default=0)),
                    ('state', models.CharField(choices=[('open', 'Open'), ('done', 'Done')], default='open', max_length=8)),
                    ('records_in', models.BigIntegerField(default=0)),
                    ('records_out', models.BigIntegerField(default=0)),
                    ('invalid', models.BigIntegerField(default=0, help_text='Moved to the dead letters')),
                    ('duplicates', models.BigIntegerField(default=0, help_text='Processed before')),
                    ('claimed_at', models.DateTimeField(auto_now_add=True)),
                    ('done_at', models.DateTimeField(blank=True, null=True)),
                    ('is_counted', models.BooleanField(default=False, help_text='Of the lake: parity has counted what was published in it')),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['done_at'], name='claim_done'),
                        models.Index(condition=models.Q(('consumer', 'lake'), ('is_counted', False), ('state', 'done')), fields=['id'], name='claim_uncounted'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('consumer', 'source'), name='claim_one_open'),
                        models.UniqueConstraint(fields=('consumer', 'source', 'first'), name='claim_range_once'),
                        models.CheckConstraint(condition=models.Q(('first__lte', models.F('last'))), name='claim_range'),
                        models.CheckConstraint(condition=models.Q(('state', 'open'), ('records_in', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('records_out'), '+', models.F('invalid')), '+', models.F('duplicates'))), _connector='OR'), name='claim_ledger'),
                    ],
                },
            ),
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
                name='DeadLetter',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('consumer', models.CharField(max_length=40)),
                    ('source', models.CharField(help_text="A stream's name, STREAM/SHARD, file:KEY, or queue:NAME", max_length=1100)),
                    ('position', operations.database.fields.PositionField()),
                    ('index', models.PositiveIntegerField(help_text='Number of the record in its batch, from 0')),
                    ('error', models.CharField(max_length=300)),
                    ('record', models.TextField(help_text='The record as JSON')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('replayed_at', models.DateTimeField(blank=True, null=True)),
                    ('dropped_at', models.DateTimeField(blank=True, help_text='When a person settled it without a replay', null=True)),
                    ('settled_by_job', models.BigIntegerField(blank=True, help_text='The job that replayed or settled it with others', null=True)),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['created_at'], name='deadletter_created'),
                        models.Index(condition=models.Q(('dropped_at', None), ('replayed_at', None)), fields=['id'], name='deadletter_waiting'),
                        models.Index(condition=models.Q(('dropped_at', None), ('replayed_at', None)), fields=['error', 'id'], name='deadletter_by_reason'),
                        models.Index(condition=models.Q(('dropped_at', None), ('replayed_at', None)), fields=['consumer', 'id'], name='deadletter_by_consumer'),
                        models.Index(condition=models.Q(('settled_by_job__isnull', False)), fields=['settled_by_job'], name='deadletter_by_job'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('consumer', 'source', 'position', 'index'), name='deadletter_once'),
                        models.CheckConstraint(condition=models.Q(('replayed_at', None), ('dropped_at', None), _connector='OR'), name='deadletter_one_end'),
                    ],
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
                    'constraints': [
                        models.UniqueConstraint(fields=('record_type', 'day'), name='lakepartition_once'),
                        models.CheckConstraint(condition=models.Q(('records__gte', 0)), name='lakepartition_counts'),
                    ],
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
                    'constraints': [
                        models.UniqueConstraint(fields=('record_type', 'period', 'generation'), name='merge_generation_once'),
                        models.UniqueConstraint(condition=models.Q(('state__in', ['merged', 'archived']), _negated=True), fields=('record_type', 'period'), name='merge_one_at_a_time'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['merged', 'archived']), _negated=True), ('records_in', models.F('records_out')), _connector='OR'), name='merge_ledger'),
                    ],
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
                    ('claim', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='datalake.claim')),
                    ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sources', to='datalake.merge')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'indexes': [
                        models.Index(condition=models.Q(('state__in', ('loose', 'merged'))), fields=['record_type', 'period'], name='lakefile_readable'),
                        models.Index(fields=['record_type', 'period', 'state', 'id'], name='lakefile_of_period'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(condition=models.Q(('state', 'merged')), fields=('record_type', 'period'), name='lakefile_one_merged'),
                        models.UniqueConstraint(condition=models.Q(('generation__gt', 0)), fields=('record_type', 'period', 'generation'), name='lakefile_generation_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'merged'), _negated=True), ('generation__gt', 0), _connector='OR'), name='lakefile_merged_is_a_generation'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('loose', 'merged')), _negated=True), ('merged_into', None), _connector='OR'), name='lakefile_readable_is_not_merged_away'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='PublishedDay',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('record_type', models.CharField(max_length=40)),
                    ('day', models.DateField()),
                    ('records', models.BigIntegerField(default=0)),
                    ('content_hash', models.CharField(default='0000000000000000000000000000000000000000000000000000000000000000', max_length=64)),
                    ('from_files', models.BigIntegerField(default=0, help_text='Of these, records of files that others put into the lake')),
                    ('tombstones', models.BigIntegerField(default=0, help_text='Of these, records of fans who were erased since')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('record_type', 'day'), name='publishedday_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ParityResult',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('record_type', models.CharField(max_length=40)),
                    ('period', models.CharField(help_text='2026-01-20, or 2026-01 for a month', max_length=10)),
                    ('ok', models.BooleanField()),
                    ('database_records', models.BigIntegerField()),
                    ('lake_records', models.BigIntegerField()),
                    ('database_hash', models.CharField(max_length=64)),
                    ('lake_hash', models.CharField(max_length=64)),
                    ('from_files', models.BigIntegerField(default=0)),
                    ('tombstones', models.BigIntegerField(default=0)),
                    ('files_read', models.BooleanField(default=False, help_text='The files themselves were read, not only their entries')),
                    ('error', models.CharField(blank=True, help_text='A file that cannot be read', max_length=500)),
                    ('checked_at', models.DateTimeField()),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('record_type', 'period'), name='parityresult_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='QueueMessage',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('queue', models.CharField(max_length=40)),
                    ('key', models.CharField(help_text='What it is, made by the sender: put again, it stays one', max_length=128)),
                    ('group', models.CharField(blank=True, help_text='On a FIFO queue: those of one group keep their order', max_length=128)),
                    ('body', models.TextField(help_text='JSON')),
                    ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('dead', 'Dead')], default='waiting', max_length=8)),
                    ('receives', models.PositiveIntegerField(db_default=0, default=0, help_text='How often it was received')),
                    ('visible_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Received, it comes again from this time on')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('settled_at', models.DateTimeField(blank=True, help_text='When it was acknowledged or handed over, or became a dead letter', null=True)),
                ],
                options={
                    'indexes': [
                        models.Index(condition=models.Q(('state', 'waiting')), fields=['queue', 'id'], name='queuemessage_waiting'),
                        models.Index(condition=models.Q(('state', 'dead')), fields=['id'], name='queuemessage_dead'),
                        models.Index(fields=['settled_at'], name='queuemessage_settled_at'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('queue', 'key'), name='queuemessage_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('settled_at', None), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('settled_at__isnull', False)), _connector='OR'), name='queuemessage_settled'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='LakeQuery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('sql', models.TextField(verbose_name='SQL')),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('refused', 'Refused'), ('stopped', 'Stopped')], default='queued', max_length=8)),
                    ('error', models.TextField(blank=True, help_text='Why it was refused')),
                    ('columns', models.JSONField(default=list, help_text='Name and type of each')),
                    ('answer', models.BinaryField(help_text='The rows, as compressed JSON; deleted after a day', null=True)),
                    ('rows', models.PositiveIntegerField(default=0)),
                    ('cut', models.BooleanField(default=False, help_text='There were more rows than the limit')),
                    ('files', models.PositiveIntegerField(default=0)),
                    ('bytes_read', models.BigIntegerField(default=0)),
                    ('seconds', models.FloatField(default=0)),
                    ('asked_at', models.DateTimeField(auto_now_add=True)),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'verbose_name_plural': 'lake queries',
                    'permissions': [('query_lake', 'Can query the lake with SQL, with personal data')],
                    'default_permissions': (),
                    'indexes': [
                        models.Index(condition=models.Q(('answer__isnull', False)), fields=['finished_at'], name='lakequery_answers'),
                    ],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('answer', None), ('state', 'done'), _connector='OR'), name='lakequery_only_done_answers'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ErasureKey',
                fields=[
                    ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                    ('key', models.BinaryField()),
                ],
                options={
                    'default_permissions': (),
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('id', 1)), name='erasurekey_is_one'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ErasedFan',
                fields=[
                    ('digest', models.CharField(help_text='HMAC-SHA256 of the id', max_length=64, primary_key=True, serialize=False)),
                    ('erased_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When the last erasure began; what is older does not come back')),
                    ('times', models.PositiveIntegerField(help_text='How often the fan was erased')),
                ],
                options={
                    'default_permissions': (),
                },
            ),
            migrations.CreateModel(
                name='LakeRewrite',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('file', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='datalake.lakefile')),
                    ('sha256', models.CharField(max_length=64)),
                    ('bytes', models.BigIntegerField()),
                    ('content_hash', models.CharField(max_length=64)),
                    ('days', models.JSONField(help_text='By UTC day: records, and their content hashes')),
                    ('identities', models.JSONField(help_text='Of each record, before and after')),
                ],
                options={
                    'default_permissions': (),
                },
            ),
        ]),
        migrations.RunSQL(NOT_COMPRESSED_AGAIN, migrations.RunSQL.noop),
    ]
