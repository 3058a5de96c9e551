"""Waves and their members, codes and assignments, messages and what became of them, suppressed
contacts, and providers' accounts.
"""

import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.db import migrations, models

from operations.database.tables import CreateModels
from waves.migrations.sql import codes, figures, members


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('campaigns', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Wave',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waves', to='campaigns.campaign', db_index=False)),
                    ('date_key', models.CharField(help_text='YYYYMMDD or YYYYMMDD-n', max_length=20)),
                    ('name', models.CharField(editable=False, help_text='{campaign_id}_{date_key}', max_length=80, unique=True)),
                    ('kind', models.CharField(choices=[('drawn', 'Selected by the draw'), ('uploaded', 'Uploaded list'), ('not_selected', 'Fans who were not selected')], default='drawn', editable=False, max_length=12)),
                    ('notify_date', models.DateTimeField()),
                    ('category_id', models.CharField(blank=True, max_length=80)),
                    ('product_id', models.CharField(blank=True, max_length=80)),
                    ('source', models.CharField(blank=True, max_length=80)),
                    ('generate_offer_code', models.BooleanField(default=False)),
                    ('options', models.JSONField(blank=True, default=dict)),
                    ('order', models.CharField(choices=[('by_preference', 'First preferred market with free seats'), ('by_market_order', 'Market by market'), ('single_market', 'One market only')], default='by_preference', max_length=20)),
                    ('single_market', models.CharField(blank=True, max_length=40)),
                    ('min_score', models.FloatField(blank=True, null=True)),
                    ('reassign', models.BooleanField(default=False, help_text='Also takes fans who hold a code already, with that code [W-6]')),
                    ('tops_up', models.ForeignKey(blank=True, editable=False, help_text='The wave by whose rules it fills what room is left [X-7]', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='top_ups', to='waves.wave')),
                    ('least_score', models.FloatField(editable=False, help_text='The minimum that it was prepared by: the largest of all in force then [S-16]', null=True)),
                    ('state', models.CharField(choices=[('configured', 'Configured'), ('code_generated', 'Code Generated'), ('prepared', 'Prepared'), ('approved', 'Approved'), ('scheduled', 'Scheduled'), ('held', 'Held'), ('triggered', 'Triggered'), ('paused', 'Paused'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='configured', max_length=20)),
                    ('queue', models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('cancelled', 'Cancelled')], db_default='running', default='running', editable=False, help_text='Of a completed wave: whether what it still has to send is sent [N-6]', max_length=9)),
                    ('live', models.GeneratedField(db_persist=True, expression=models.Q(('state__in', ['cancelled', 'failed']), _negated=True), help_text='Not cancelled and not failed: its members carry it by a foreign key [K-6]', output_field=models.BooleanField())),
                    ('selects', models.GeneratedField(db_persist=True, expression=models.Q(('kind', 'not_selected'), _negated=True), help_text='Its members have a market; its members carry it by a foreign key [X-8]', output_field=models.BooleanField())),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('error', models.TextField(blank=True)),
                    ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='waves', to='campaigns.scorefile')),
                    ('members_digest', models.CharField(blank=True, max_length=64)),
                    ('previewed_digest', models.CharField(blank=True, help_text='Of the members of the preview: others are not prepared', max_length=64)),
                    ('content_digest', models.CharField(blank=True, max_length=64)),
                    ('counted_digest', models.CharField(blank=True, editable=False, help_text='The content with which the second count agrees [X-14]', max_length=64)),
                    ('differs_digest', models.CharField(blank=True, editable=False, help_text='The content with which it does not; count_problems says in what', max_length=64)),
                    ('counted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('count_problems', models.JSONField(blank=True, default=list, editable=False)),
                    ('facts_key', models.CharField(blank=True, editable=False, help_text='The sealed facts of this preparation', max_length=300)),
                    ('facts_digest', models.CharField(blank=True, editable=False, help_text='Their SHA-256', max_length=64)),
                    ('content', models.JSONField(blank=True, default=dict, help_text='Templates, channels and provider as prepared: what is sent, and what approval names')),
                    ('notify_channels', models.CharField(choices=[('both', 'Both'), ('sms_first', 'Sms First')], default='both', max_length=10)),
                    ('soft_start', models.PositiveIntegerField(blank=True, help_text='Fans who are notified first; none: as the campaign says, 0: no soft start [N-9]', null=True)),
                    ('candidates', models.BigIntegerField(default=0)),
                    ('selected', models.BigIntegerField(default=0)),
                    ('waitlist', models.BigIntegerField(default=0)),
                    ('returned', models.BigIntegerField(default=0, editable=False, help_text='Selected fans who come back with a code from a cancelled wave [W-6]')),
                    ('codes_kept', models.BigIntegerField(default=0, editable=False, help_text='Fans of the cancelled wave whose code stays theirs')),
                    ('excluded', models.JSONField(blank=True, default=dict)),
                    ('zip_key', models.CharField(blank=True, help_text='The zip that counts: that of one attempt', max_length=300)),
                    ('candidates_key', models.CharField(blank=True, help_text="The record of that attempt's candidates", max_length=300)),
                    ('waiting_key', models.CharField(blank=True, editable=False, help_text='The waiting list of that attempt [W-5]', max_length=300)),
                    ('rejected_key', models.CharField(blank=True, editable=False, help_text='The rejected rows of an uploaded list', max_length=300)),
                    ('filed_as', models.CharField(blank=True, editable=False, help_text="What the files in smsWaves/ say: the wave's place there and its content [W-3]", max_length=90)),
                    ('status_key', models.CharField(blank=True, max_length=300)),
                    ('status_content', models.TextField(blank=True, help_text='What the status file is to say')),
                    ('status_stored', models.BooleanField(default=True, help_text='Off until the status file says so; a sweep sees to it')),
                    ('prepared_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('edited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('approved_digest', models.CharField(blank=True, max_length=64)),
                    ('waiver', models.TextField(blank=True, help_text='Reason for having no second person, while WAVES_FOUR_EYES is off')),
                    ('expedited', models.TextField(blank=True, help_text='Reason for short notice: less than a day before the notify date')),
                    ('own_rules_reason', models.TextField(blank=True, help_text='Reason for rules of its own after luck could be known')),
                    ('prepared_at', models.DateTimeField(blank=True, null=True)),
                    ('approved_at', models.DateTimeField(blank=True, null=True)),
                    ('scheduled_at', models.DateTimeField(blank=True, null=True)),
                    ('triggered_at', models.DateTimeField(blank=True, null=True)),
                    ('completed_at', models.DateTimeField(blank=True, null=True)),
                    ('rows_deleted_at', models.DateTimeField(blank=True, editable=False, help_text='When its members and messages began to be deleted, long after its campaign was archived: its counts stay as they were then', null=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'permissions': [('prepare_wave', 'Can preview and prepare waves'), ('approve_wave', 'Can approve waves'), ('schedule_wave', 'Can schedule and unschedule waves'), ('send_wave', 'Can send, pause, resume and cancel waves'), ('expedite_wave', 'Can prepare a wave less than a day ahead'), ('late_wave_rules', 'Can give a wave rules of its own after luck could be known'), ('reset_wave', 'Can reset a wave after two failed attempts'), ('stop_all', 'Can stop all sending'), ('upload_wave', 'Can upload a list of fans as a wave')],
                    'indexes': [
                        models.Index(condition=models.Q(('state', 'scheduled')), fields=['notify_date'], name='wave_due'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'date_key'), name='wave_once'),
                        models.CheckConstraint(condition=models.Q(('notify_date__gte', datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)), ('notify_date__lt', datetime.datetime(2199, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), name='wave_years'),
                        models.CheckConstraint(condition=models.Q(('attempts__lte', 2)), name='wave_attempts'),
                        models.CheckConstraint(condition=models.Q(('approved_by', None), models.Q(('waiver', ''), _negated=True), models.Q(models.Q(('approved_by', models.F('prepared_by')), _negated=True), models.Q(('edited_by', None), models.Q(('approved_by', models.F('edited_by')), _negated=True), _connector='OR')), _connector='OR'), name='wave_four_eyes'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['approved', 'scheduled', 'triggered']), _negated=True), models.Q(('approved_digest', models.F('content_digest')), models.Q(('content_digest', ''), _negated=True), ('approved_by__isnull', False)), _connector='OR'), name='wave_approval_names_its_content'),
                        models.CheckConstraint(condition=models.Q(('approved_digest', ''), ('counted_digest', models.F('approved_digest')), _connector='OR'), name='wave_approval_was_counted'),
                        models.CheckConstraint(condition=models.Q(('differs_digest', ''), models.Q(('differs_digest', models.F('counted_digest')), _negated=True), _connector='OR'), name='wave_count_has_one_verdict'),
                        models.CheckConstraint(condition=models.Q(('queue', 'running'), ('state', 'completed'), _connector='OR'), name='wave_queue_is_stopped_after_completion'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='wave_failed_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='WaveMarket',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='wave_markets', to='waves.wave', db_index=False)),
                    ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('name', models.CharField(max_length=200)),
                    ('capacity', models.PositiveIntegerField(help_text='Seats of the market in the whole campaign')),
                    ('given', models.PositiveIntegerField(default=0, help_text='Seats that were used already')),
                    ('own_capacity', models.PositiveIntegerField(blank=True, help_text="The most that the wave's own file allowed", null=True)),
                    ('room', models.PositiveIntegerField(help_text='Seats that the wave could fill')),
                    ('selection_time', models.DateTimeField()),
                    ('position', models.PositiveIntegerField(default=0)),
                    ('code_source', models.CharField(choices=[('own', 'Own codes'), ('tm', 'TM (stock managed elsewhere)'), ('partner', 'Partner codes'), ('partner|own', 'Partner codes, then own codes'), ('partner|tm', 'Partner codes, then TM'), ('own|partner', 'Own codes, then partner codes'), ('own|tm', 'Own codes, then TM'), ('partner|own|tm', 'Partner codes, then own codes, then TM'), ('own|partner|tm', 'Own codes, then partner codes, then TM')], default='own', max_length=20)),
                    ('selected', models.PositiveIntegerField(default=0)),
                    ('wanted', models.PositiveIntegerField(default=0)),
                    ('cutoff', models.FloatField(blank=True, null=True)),
                ],
                options={
                    'ordering': ['position'],
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'market'), name='wavemarket_once'),
                        models.CheckConstraint(condition=models.Q(('room__lte', models.F('capacity')), ('selected__lte', models.F('room'))), name='wavemarket_room'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Member',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='waves.wave', db_index=False)),
                    ('campaign', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.campaign')),
                    ('market', models.ForeignKey(blank=True, help_text='None only for fans who are told that they were not selected [X-8]', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('global_user_id', models.TextField()),
                    ('member_id', models.TextField(blank=True)),
                    ('email', models.CharField(blank=True, max_length=254)),
                    ('phone', models.CharField(blank=True, max_length=20)),
                    ('code', models.CharField(blank=True, help_text='TM where the stock is managed elsewhere', max_length=64)),
                    ('language', models.CharField(blank=True, db_default='', help_text='Of the fan, as registered when the wave was prepared', max_length=35)),
                    ('place', models.PositiveIntegerField(help_text='Place in the order of all candidates, from 1 [S-9]')),
                    ('band_score', models.FloatField()),
                    ('wave_live', models.BooleanField(default=True, editable=False)),
                    ('wave_selects', models.BooleanField(db_default=True, editable=False)),
                    ('reassigned', models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, help_text='Of a fan who is in a completed wave too: the code that they hold [W-6]', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='waves.assignment')),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['wave', 'market', 'place'], name='member_in_order'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'global_user_id'), name='member_once'),
                        models.UniqueConstraint(condition=models.Q(('reassigned', None), ('wave_live', True)), fields=('campaign', 'global_user_id'), name='member_in_one_live_wave'),
                        models.CheckConstraint(condition=models.Q(models.Q(('market__isnull', False), ('wave_selects', True)), models.Q(('code', ''), ('market', None), ('reassigned', None), ('wave_selects', False)), _connector='OR'), name='member_has_a_market_where_it_was_selected'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='WaveUpload',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='upload', to='waves.wave')),
                    ('key', models.CharField(help_text='The list as it came, in the scoring bucket', max_length=300)),
                    ('sha256', models.CharField(max_length=64)),
                    ('by_role', models.CharField(blank=True, help_text='The role of who uploaded it; public', max_length=80)),
                    ('reason', models.TextField(blank=True, help_text='Why these fans were not drawn; public')),
                    ('rows_in', models.PositiveIntegerField(default=0)),
                    ('accepted', models.PositiveIntegerField(default=0)),
                    ('rejected', models.PositiveIntegerField(default=0)),
                    ('rejected_by', models.JSONField(blank=True, default=dict, help_text='Rows by reason')),
                    ('ignored_columns', models.JSONField(blank=True, default=list)),
                    ('generated', models.PositiveIntegerField(default=0, help_text='Codes made for its rows')),
                    ('failed', models.PositiveIntegerField(default=0, help_text='Rows whose code could not be made')),
                ],
                options={
                    'default_permissions': (),
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('rows_in', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected')))), name='waveupload_ledger'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Code',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='codes', to='campaigns.campaign')),
                    ('code', models.CharField(max_length=64)),
                    ('source', models.CharField(choices=[('own', 'Own codes'), ('tm', 'TM (stock managed elsewhere)'), ('partner', 'Partner codes')], db_default='own', default='own', max_length=10)),
                    ('origin', models.TextField(blank=True, db_default='', help_text="Who it came from: a list's name or 'code service'; empty for our own")),
                    ('code_import', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The file that it was imported from', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='codes', to='waves.codeimport')),
                    ('line', models.BigIntegerField(blank=True, help_text='Its line in that file', null=True)),
                    ('only_market', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The only market in which it may be given; empty for every market', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('made_for', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The wave that an own code was made for; released, it may serve another one', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='waves.wave')),
                    ('state', models.CharField(choices=[('available', 'Available'), ('reserved', 'Reserved'), ('assigned', 'Assigned'), ('published', 'Published'), ('released', 'Released')], db_default='available', default='available', max_length=12)),
                    ('wave', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='codes', to='waves.wave')),
                    ('global_user_id', models.TextField(blank=True, db_default='', help_text='The fan it is reserved for')),
                    ('market', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('begins_at', models.DateTimeField(blank=True, null=True)),
                    ('ends_at', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True, db_default=django.db.models.functions.datetime.Now())),
                    ('reserved_at', models.DateTimeField(blank=True, null=True)),
                    ('assigned_at', models.DateTimeField(blank=True, null=True)),
                    ('published_at', models.DateTimeField(blank=True, null=True)),
                    ('sent_at', models.DateTimeField(blank=True, editable=False, help_text='When it was first sent; kept here once the messages are deleted by age', null=True)),
                    ('confirmed_at', models.DateTimeField(blank=True, help_text='When the code service confirmed that it is assigned, or has it back', null=True)),
                ],
                options={
                    'verbose_name': 'access code',
                    'indexes': [
                        models.Index(condition=models.Q(('source', 'own'), ('state', 'available')), fields=['campaign', 'id'], name='code_own_available'),
                        models.Index(condition=models.Q(('source', 'partner'), ('state', 'available')), fields=['campaign', 'only_market', 'id'], name='code_partner_available'),
                        models.Index(condition=models.Q(('confirmed_at__isnull', True), ('state', 'released')), fields=['id'], name='code_to_give_back'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(django.db.models.functions.text.Upper('code'), name='code_once_whatever_its_case'),
                        models.UniqueConstraint(condition=models.Q(('wave__isnull', False)), fields=('wave', 'global_user_id'), name='code_one_reservation_per_fan_and_wave'),
                        models.CheckConstraint(condition=models.Q(('code__in', ['TM', 'Tm', 'tM', 'tm', '']), _negated=True), name='code_is_no_placeholder'),
                        models.CheckConstraint(condition=models.Q(models.Q(('global_user_id', ''), ('state__in', ('available', 'released')), ('wave__isnull', True)), models.Q(models.Q(('state__in', ('available', 'released')), _negated=True), models.Q(('global_user_id', ''), _negated=True), ('wave__isnull', False)), _connector='OR'), name='code_is_free_or_a_fans'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'released'), _negated=True), ('origin', 'code service'), _connector='OR'), name='code_released_is_the_services'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='CodeServiceCall',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='code_calls', to='waves.wave', db_index=False)),
                    ('action', models.CharField(choices=[('reserve', 'Reserve'), ('generate', 'Generate'), ('assign', 'Assign')], max_length=10)),
                    ('market', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('number', models.PositiveIntegerField()),
                    ('quantity', models.PositiveIntegerField()),
                    ('asked_at', models.DateTimeField()),
                    ('answered_at', models.DateTimeField(blank=True, null=True)),
                    ('pairs', models.JSONField(db_default=[], default=list, editable=False)),
                    ('valid', models.PositiveIntegerField(blank=True, null=True)),
                    ('updated', models.PositiveIntegerField(blank=True, null=True)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'action', 'market', 'number'), name='codeservicecall_once', nulls_distinct=False),
                        models.CheckConstraint(condition=models.Q(models.Q(('action', 'reserve'), ('market__isnull', False)), models.Q(models.Q(('action', 'reserve'), _negated=True), ('market__isnull', True)), _connector='OR'), name='codeservicecall_market_of_a_reservation'),
                        models.CheckConstraint(condition=models.Q(('valid', None), ('valid__lte', models.F('quantity')), _connector='OR'), name='codeservicecall_counts'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Assignment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='campaigns.campaign', db_index=False)),
                    ('global_user_id', models.TextField()),
                    ('code', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='assignment', to='waves.code')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='waves.wave')),
                    ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('assigned_at', models.DateTimeField()),
                    ('published_at', models.DateTimeField(blank=True, null=True)),
                    ('stream_position', models.BigIntegerField(blank=True, help_text='Of the batch of the input stream that its record is in', null=True)),
                ],
                options={
                    'indexes': [
                        models.Index(condition=models.Q(('published_at__isnull', True)), fields=['wave', 'id'], name='assignment_unpublished'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'global_user_id'), name='assignment_once'),
                        models.UniqueConstraint(fields=('id', 'campaign', 'global_user_id', 'market'), name='assignment_of_fan_and_market'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='CodeImport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='code_imports', to='campaigns.campaign', db_index=False)),
                    ('market', models.ForeignKey(blank=True, help_text='The market of rows that name none; without one they are for every market', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('origin', models.TextField(help_text='Who the codes come from')),
                    ('name', models.CharField(max_length=255)),
                    ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                    ('sha256', models.CharField(max_length=64)),
                    ('columns', models.JSONField(default=list, help_text='All columns, as the file spells them')),
                    ('ignored_columns', models.JSONField(default=list)),
                    ('rows_in', models.BigIntegerField(default=0)),
                    ('accepted', models.BigIntegerField(default=0)),
                    ('rejected', models.BigIntegerField(default=0)),
                    ('rejected_by', models.JSONField(default=dict)),
                    ('last_line', models.BigIntegerField(default=1, help_text='The last line with an outcome')),
                    ('rejected_key', models.CharField(blank=True, max_length=300)),
                    ('finished', models.BooleanField(default=False)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'code file',
                    'ordering': ['-id'],
                    'permissions': [('import_codes', 'Can import access codes')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('rows_in', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected')))), name='code_import_ledger'),
                        models.UniqueConstraint(fields=('campaign', 'sha256', 'origin', 'market'), name='code_import_once', nulls_distinct=False),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RejectedCode',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code_import', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='waves.codeimport')),
                    ('line', models.BigIntegerField()),
                    ('reason', models.CharField(choices=[('malformed_row', 'Unreadable row'), ('empty', 'No code'), ('too_long', 'Code is longer than 64 characters'), ('placeholder', 'TM is a placeholder and not a code'), ('bad_characters', 'Spaces, quotes, backslashes or characters that are not ASCII'), ('formula', 'Begins like a spreadsheet formula (=, +, - or @)'), ('unknown_market', 'Unknown market'), ('duplicate_in_file', 'Duplicate of an earlier row'), ('exists_already', 'Code exists already')], max_length=24)),
                    ('raw', models.TextField(help_text='The line as it is in the file; bytes that are not UTF-8 as \\xNN')),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['code_import', 'line'], name='rejected_of_a_code_import'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Selection',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='selections', to='campaigns.campaign')),
                    ('global_user_id', models.TextField()),
                    ('market', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                    ('code', models.CharField(max_length=64)),
                    ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text="The market's, when it was told last", size=None)),
                    ('version', models.PositiveIntegerField(db_default=1, default=1, help_text='How many messages there were')),
                    ('correlation_id', models.CharField(blank=True, max_length=64)),
                    ('saved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ],
                options={
                    'default_permissions': ('view',),
                    'constraints': [
                        models.UniqueConstraint(fields=('global_user_id', 'campaign'), name='selection_once'),
                        models.UniqueConstraint(django.db.models.functions.text.Upper('code'), name='selection_of_a_code'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Send',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                    ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='pending', max_length=14)),
                    ('reason', models.CharField(blank=True, max_length=60)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('not_before', models.DateTimeField(blank=True, help_text='Back-off: no attempt before this', null=True)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('claim', models.UUIDField(blank=True, help_text='Fences the outcome: only the claim that sent may record it', null=True)),
                    ('maybe_accepted', models.BooleanField(db_default=False, default=False, help_text='An earlier attempt may have arrived')),
                    ('key_used_at', models.DateTimeField(blank=True, help_text='When the first attempt began that may have been accepted', null=True)),
                    ('provider', models.CharField(blank=True, db_default='', help_text="Account of the last attempt's provider", max_length=40)),
                    ('provider_id', models.CharField(blank=True, max_length=80)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sends', to='waves.wave', db_index=False)),
                    ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sends', to='waves.member', db_index=False)),
                    ('key', models.UUIDField(help_text='Idempotency key of (wave, fan, channel)', unique=True)),
                    ('queued_at', models.DateTimeField(blank=True, help_text='When an e-mail came into the e-mail queue', null=True)),
                    ('settled_at', models.DateTimeField(blank=True, help_text='When a receipt or a person settled it', null=True)),
                ],
                options={
                    'verbose_name': 'message',
                    'indexes': [
                        models.Index(condition=models.Q(('state__in', ['pending', 'sending'])), fields=['wave', 'channel', 'id'], name='send_open'),
                        models.Index(fields=['wave', 'state', 'channel', 'reason', 'id'], name='send_listed'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('member', 'channel'), name='send_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='send_failed_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Template',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='campaigns.campaign', db_index=False)),
                    ('market', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='campaigns.market')),
                    ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                    ('language', models.CharField(default='en', max_length=35)),
                    ('audience', models.CharField(choices=[('selected', 'Selected fans'), ('without_code', 'Selected fans without a code (TM)'), ('not_selected', 'Fans who were not selected')], db_default='selected', default='selected', max_length=12)),
                    ('subject', models.CharField(blank=True, help_text='E-mail only', max_length=200)),
                    ('body', models.TextField(help_text='Placeholders such as {campaign} and {code}')),
                    ('html', models.TextField(blank=True, help_text='E-mail only; the text is sent together with it')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'market', 'channel', 'language', 'audience'), name='template_once', nulls_distinct=False, violation_error_message='There is a template for this campaign, market, channel, language and audience already. Edit that one, or choose differently.'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='TrialMessage',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.UUIDField(help_text='Idempotency key, made with the page', unique=True)),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, db_index=False)),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign')),
                    ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                    ('to', models.CharField(max_length=254)),
                    ('language', models.CharField(max_length=35)),
                    ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='sending', max_length=14)),
                    ('reason', models.CharField(blank=True, max_length=60)),
                    ('provider_id', models.CharField(blank=True, max_length=80)),
                ],
                options={
                    'verbose_name': 'test message',
                    'indexes': [
                        models.Index(fields=['by', 'at'], name='trialmessage_of_person'),
                    ],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='trialmessage_failed_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Resend',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                    ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='pending', max_length=14)),
                    ('reason', models.CharField(blank=True, max_length=60)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('not_before', models.DateTimeField(blank=True, help_text='Back-off: no attempt before this', null=True)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('claim', models.UUIDField(blank=True, help_text='Fences the outcome: only the claim that sent may record it', null=True)),
                    ('maybe_accepted', models.BooleanField(db_default=False, default=False, help_text='An earlier attempt may have arrived')),
                    ('key_used_at', models.DateTimeField(blank=True, help_text='When the first attempt began that may have been accepted', null=True)),
                    ('provider', models.CharField(blank=True, db_default='', help_text="Account of the last attempt's provider", max_length=40)),
                    ('provider_id', models.CharField(blank=True, max_length=80)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                    ('request', models.UUIDField(help_text='Made with the form: the same one twice sends once')),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, db_index=False)),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('why', models.TextField(verbose_name='reason given')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='resends', to='waves.wave')),
                    ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='resends', to='waves.member')),
                    ('contact', models.CharField(max_length=254, verbose_name='to')),
                    ('is_corrected', models.BooleanField(help_text='Another contact than the one in the wave', verbose_name='corrected')),
                    ('key', models.UUIDField(help_text="Of its own: never that of the wave's message", unique=True)),
                    ('settled_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'verbose_name': 'message sent again',
                    'verbose_name_plural': 'messages sent again',
                    'permissions': [('resend_code', "Can send one fan's code again, to a corrected contact")],
                    'default_permissions': ('view',),
                    'indexes': [
                        models.Index(condition=models.Q(('state__in', ['pending', 'sending'])), fields=['wave', 'channel', 'id'], name='resend_open'),
                        models.Index(fields=['by', 'at'], name='resend_of_person'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('request', 'channel'), name='resend_once'),
                        models.CheckConstraint(condition=models.Q(('why', ''), _negated=True), name='resend_says_why'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='resend_failed_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Rehearsal',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rehearsals', to='waves.wave')),
                    ('digest', models.CharField(help_text='The content that is rehearsed', max_length=64)),
                    ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('stopped', 'Stopped')], default='running', max_length=8)),
                    ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ('has_rows', models.BooleanField(default=False, help_text='Its messages are made')),
                    ('ended', models.CharField(blank=True, help_text='Why it was stopped', max_length=300)),
                    ('per_second', models.FloatField(default=0)),
                    ('total', models.BigIntegerField(default=0)),
                    ('ok', models.BigIntegerField(default=0)),
                    ('failed', models.BigIntegerField(default=0)),
                    ('skipped', models.BigIntegerField(default=0)),
                    ('unknown', models.BigIntegerField(default=0)),
                    ('pending', models.BigIntegerField(default=0)),
                    ('detail', models.JSONField(default=dict)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('wave',), name='rehearsal_one_at_a_time'),
                        models.CheckConstraint(condition=models.Q(('total', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('ok'), '+', models.F('failed')), '+', models.F('skipped')), '+', models.F('unknown')), '+', models.F('pending')))), name='rehearsal_adds_up'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RehearsalSend',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                    ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='pending', max_length=14)),
                    ('reason', models.CharField(blank=True, max_length=60)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('not_before', models.DateTimeField(blank=True, help_text='Back-off: no attempt before this', null=True)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('claim', models.UUIDField(blank=True, help_text='Fences the outcome: only the claim that sent may record it', null=True)),
                    ('maybe_accepted', models.BooleanField(db_default=False, default=False, help_text='An earlier attempt may have arrived')),
                    ('key_used_at', models.DateTimeField(blank=True, help_text='When the first attempt began that may have been accepted', null=True)),
                    ('provider', models.CharField(blank=True, db_default='', help_text="Account of the last attempt's provider", max_length=40)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                    ('rehearsal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sends', to='waves.rehearsal', db_index=False)),
                    ('member', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='waves.member')),
                    ('key', models.UUIDField(help_text='Of its own: never that of the real message', unique=True)),
                    ('provider_id', models.CharField(blank=True, help_text='Begin of the SHA-256 of the recorded text', max_length=80)),
                ],
                options={
                    'verbose_name': 'rehearsed message',
                    'indexes': [
                        models.Index(condition=models.Q(('state__in', ['pending', 'sending'])), fields=['rehearsal', 'channel', 'id'], name='rehearsalsend_open'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('rehearsal', 'member', 'channel'), name='rehearsalsend_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='FigureBlock',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='waves.wave')),
                    ('block', models.BigIntegerField()),
                    ('counts', models.JSONField()),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'block'), name='figureblock_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='FigureChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='waves.wave')),
                    ('block', models.BigIntegerField()),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['wave', 'block'], name='figurechange_of_wave'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SoftStart',
                fields=[
                    ('wave', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='soft_started', serialize=False, to='waves.wave')),
                    ('fans', models.PositiveIntegerField(help_text='How many fans are notified first')),
                    ('first_send', models.BigIntegerField(help_text='The first of their messages')),
                    ('last_send', models.BigIntegerField(help_text='The last of them: nothing behind it is sent')),
                    ('state', models.CharField(choices=[('first', 'The first messages are being sent'), ('waiting', 'Waits for receipts'), ('by_hand', 'Waits for a person'), ('passed', 'Over')], db_index=True, default='first', max_length=7)),
                    ('waiting_since', models.DateTimeField(blank=True, null=True)),
                    ('alerted', models.CharField(blank=True, help_text='The verdict that Slack was last told of', max_length=4)),
                ],
                options={
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('state__in', ['first', 'passed']), ('waiting_since__isnull', False), _connector='OR'), name='softstart_waits_since'),
                        models.CheckConstraint(condition=models.Q(('fans__gt', 0), ('first_send__lte', models.F('last_send'))), name='softstart_has_messages'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Preflight',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preflights', to='waves.wave', db_index=False)),
                    ('digest', models.CharField(help_text='The content that was checked', max_length=64)),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('checks', models.JSONField(default=list, help_text='name, ok and detail of each line')),
                    ('figures', models.JSONField(default=dict, help_text='Segments, cost and the rows of samples')),
                    ('reds', models.PositiveSmallIntegerField(help_text='How many lines are red')),
                    ('approved_at', models.DateTimeField(blank=True, null=True)),
                    ('waived_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('waiver', models.TextField(blank=True, help_text='Reason for approving in spite of red lines')),
                ],
                options={
                    'verbose_name': 'pre-flight',
                    'indexes': [
                        models.Index(fields=['wave', '-id'], name='preflight_of_wave'),
                    ],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('approved_at', None), ('reds', 0), models.Q(('waived_by__isnull', False), models.Q(('waiver', ''), _negated=True)), _connector='OR'), name='preflight_red_is_waived_with_a_reason'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='WaveLook',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='looks', to='waves.wave', db_index=False)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('digest', models.CharField(max_length=64)),
                    ('at', models.DateTimeField(help_text='The last time')),
                    ('snapshot', models.JSONField()),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'user', 'digest'), name='wavelook_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ApprovalNotice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='waves.wave', db_index=False)),
                    ('digest', models.CharField(max_length=64)),
                    ('after', models.BigIntegerField(default=0)),
                    ('at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'digest', 'after'), name='approvalnotice_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='NoticeEmail',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('notice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='emails', to='waves.approvalnotice', db_index=False)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                    ('refused', models.TextField(blank=True, help_text='Why the mail server will never take it')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('notice', 'user'), name='noticeemail_once'),
                        models.CheckConstraint(condition=models.Q(('sent_at', None), ('refused', ''), _connector='OR'), name='noticeemail_has_one_end'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='DeadlineWarning',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='warnings', to='waves.wave', db_index=False)),
                    ('notify_date', models.DateTimeField()),
                    ('hours', models.PositiveSmallIntegerField()),
                    ('at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('wave', 'notify_date', 'hours'), name='deadlinewarning_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SuppressionKey',
                fields=[
                    ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                    ('key', models.BinaryField()),
                ],
                options={
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('id', 1)), name='suppressionkey_is_one'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Suppression',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                    ('contact', models.UUIDField(help_text='Keyed hash of the address or phone number')),
                    ('sieve', models.IntegerField(editable=False, help_text='A cheap keyed hash, which spares a selection most of the others; null: of older entries', null=True)),
                    ('campaign', models.ForeignKey(blank=True, db_index=False, help_text='Empty: of all campaigns', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign')),
                    ('cause', models.CharField(choices=[('stop', 'Replied with a stop word'), ('unsubscribed', 'Unsubscribed'), ('complaint', 'Reported as spam'), ('hard_bounce', 'Does not exist'), ('opted_out', 'Opted out at the provider'), ('hand', 'Added by hand'), ('file', 'Added from a file')], max_length=12)),
                    ('reason', models.CharField(blank=True, max_length=300)),
                    ('by', models.ForeignKey(blank=True, db_index=False, help_text='Empty where no person did it', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('lifted_at', models.DateTimeField(blank=True, null=True)),
                    ('lifted_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('lift_reason', models.CharField(blank=True, max_length=300)),
                ],
                options={
                    'verbose_name': 'suppressed contact',
                    'indexes': [
                        models.Index(fields=['contact'], name='suppression_contact'),
                        models.Index(fields=['cause', 'id'], name='suppression_cause'),
                        models.Index(fields=['campaign', 'id'], name='suppression_campaign'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('contact', 'campaign', 'cause'), name='suppression_once', nulls_distinct=False),
                        models.CheckConstraint(condition=models.Q(models.Q(('lift_reason', ''), ('lifted_at', None), ('lifted_by', None)), models.Q(('lifted_at__isnull', False), models.Q(('lift_reason', ''), _negated=True)), _connector='OR'), name='suppression_lifted_says_why'),
                        models.CheckConstraint(condition=models.Q(models.Q(('cause__in', ['hand', 'file']), _negated=True), models.Q(('by__isnull', False), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='suppression_by_hand_names_who'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ProviderAccount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=40, unique=True)),
                    ('paused', models.BooleanField(default=False)),
                    ('paused_reason', models.CharField(blank=True, max_length=200)),
                    ('paused_at', models.DateTimeField(blank=True, null=True)),
                    ('in_flight', models.PositiveIntegerField(default=0)),
                    ('permits_until', models.DateTimeField(blank=True, help_text='Up to when permits are given out', null=True)),
                ],
            ),
            migrations.CreateModel(
                name='ReceiptCount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('provider', models.CharField(max_length=40)),
                    ('day', models.DateField()),
                    ('result', models.CharField(choices=[('applied', 'Recorded'), ('repeated', 'Repeated'), ('late', 'Contradicts a later one'), ('unknown_message', 'For an unknown message'), ('never_sent', 'For a message that was never sent'), ('text_received', 'Text messages received'), ('ignored', 'Not about a delivery'), ('refused', 'Unreadable'), ('forged', 'Not signed by the provider')], max_length=20)),
                    ('slot', models.PositiveSmallIntegerField(db_default=0, default=0)),
                    ('number', models.PositiveBigIntegerField(default=0)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('provider', 'day', 'result', 'slot'), name='receiptcount_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='TakenReport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('provider', models.CharField(max_length=40)),
                    ('reference', models.CharField(max_length=80)),
                    ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('provider', 'reference'), name='takenreport_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Sender',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='senders', to='waves.provideraccount')),
                    ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='senders', to='waves.wave')),
                    ('slots', models.PositiveIntegerField(default=0, help_text='Requests it may have in flight')),
                    ('in_flight', models.PositiveIntegerField(default=0)),
                    ('lease_until', models.DateTimeField()),
                    ('started_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('in_flight__lte', models.F('slots'))), name='sender_within_its_slots'),
                    ],
                },
            ),
        ]),
        # a key of members refers to it, and the others of its table are made at the very end
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.UniqueConstraint(fields=('id', 'campaign', 'live', 'selects'), name='wave_liveness'),
        ),
        migrations.RunSQL(members.OF_ITS_WAVE + members.HOLDS_THE_CODE, members.OF_ANY_WAVE),
        migrations.RunSQL(codes.ASSIGNMENTS_ARE_IMMUTABLE, codes.ASSIGNMENTS_ARE_MUTABLE),
        migrations.RunSQL(codes.ASSIGNED_CODES_STAY, codes.ASSIGNED_CODES_CHANGE),
        migrations.RunSQL(figures.BLOCKS_ARE_MARKED, figures.BLOCKS_ARE_NOT_MARKED),
    ]
