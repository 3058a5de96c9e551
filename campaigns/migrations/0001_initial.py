"""Campaigns and their draw, registrations, score files with their scores and rejected rows, and
what arrives in the bucket.
"""

import campaigns.models.presales
import datetime
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import operations.database.clock
import operations.entry.validators
from django.conf import settings
from django.db import migrations, models

from campaigns.migrations.sql import draw, scores, search
from operations.database.tables import CreateModels


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('operations', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Campaign',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign_id', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{1,40}\\Z', 'Use 1 to 40 letters, digits and hyphens.')])),
                    ('name', models.CharField(max_length=200)),
                    ('artist', models.CharField(blank=True, max_length=200)),
                    ('category_id', models.CharField(blank=True, max_length=80)),
                    ('status', models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('closed', 'Closed'), ('archived', 'Archived')], default='draft', max_length=10)),
                    ('registration_opens', models.DateTimeField(blank=True, null=True, validators=[operations.entry.validators.year_is_allowed])),
                    ('registration_closes', models.DateTimeField(blank=True, null=True, validators=[operations.entry.validators.year_is_allowed])),
                    ('time_zone', models.CharField(default='UTC', help_text='Such as America/New_York', max_length=60)),
                    ('product_id', models.CharField(blank=True, max_length=80)),
                    ('source', models.CharField(blank=True, max_length=80)),
                    ('allow_intl_phones', models.BooleanField(default=False, verbose_name='allow international phones')),
                    ('home_countries', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=2), default=campaigns.models.presales.home_of_the_us, size=None)),
                    ('require_confirmed_phone', models.BooleanField(default=False)),
                    ('min_score', models.FloatField(default=0.22, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)])),
                    ('max_fans_per_contact', models.PositiveIntegerField(default=0, help_text='0 = no limit')),
                    ('scoring_type', models.CharField(choices=[('linear', 'Linear'), ('percentile', 'Percentile')], default='linear', max_length=10)),
                    ('code_source', models.CharField(choices=[('own', 'Own codes'), ('tm', 'TM (stock managed elsewhere)'), ('partner', 'Partner codes'), ('partner|own', 'Partner codes, then own codes'), ('partner|tm', 'Partner codes, then TM'), ('own|partner', 'Own codes, then partner codes'), ('own|tm', 'Own codes, then TM'), ('partner|own|tm', 'Partner codes, then own codes, then TM'), ('own|partner|tm', 'Own codes, then partner codes, then TM')], default='own', max_length=20)),
                    ('code_prefix', models.CharField(blank=True, max_length=10, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{0,10}\\Z', 'Use at most 10 letters, digits and hyphens.')])),
                    ('code_length', models.PositiveSmallIntegerField(default=10, validators=[django.core.validators.MinValueValidator(6), django.core.validators.MaxValueValidator(32)])),
                    ('notify_channels', models.CharField(choices=[('both', 'Both'), ('sms_first', 'Sms First')], default='both', max_length=10)),
                    ('default_language', models.CharField(db_default='en', default='en', help_text='Of messages to fans without a template in their own language, such as en or pt-BR', max_length=35)),
                    ('quiet_hours', models.CharField(blank=True, db_default='', default='', help_text="When fans should get no messages, by the clocks of the campaign's time zone, such as 21:00-08:00", max_length=11, validators=[django.core.validators.RegexValidator('\\A([01]\\d|2[0-3]):[0-5]\\d-([01]\\d|2[0-3]):[0-5]\\d\\Z', 'Write two times of the day, such as 21:00-08:00.')])),
                    ('soft_start', models.PositiveIntegerField(db_default=0, default=0, help_text='Fans of a wave who are notified first. The others wait until the first messages are delivered. 0 = no soft start')),
                    ('seed', models.BinaryField(blank=True, null=True)),
                    ('salt', models.BinaryField(blank=True, null=True)),
                    ('commitment', models.CharField(blank=True, editable=False, help_text='Hex SHA-256 of the seed', max_length=64)),
                    ('salt_commitment', models.CharField(blank=True, editable=False, help_text='Hex SHA-256 of the salt', max_length=64)),
                    ('draw_scheme', models.PositiveSmallIntegerField(default=2, editable=False, help_text='The rules it is drawn and proved by')),
                    ('draw_supplied', models.BooleanField(default=False, editable=False, help_text='Seed and salt were supplied, for a rehearsal')),
                    ('entropy_source', models.CharField(blank=True, help_text='A future public value, such as drand round 9551234. Without one, anyone who can read the database can know the luck of every fan before the draw.', max_length=200)),
                    ('entropy_form', models.CharField(blank=True, help_text='How its value is written, so that it can be entered in one way only. Leave this empty for a drand round.', max_length=200)),
                    ('entropy_public_at', models.DateTimeField(blank=True, help_text='When its value becomes public. Leave this empty for a drand round', null=True, validators=[operations.entry.validators.year_is_allowed])),
                    ('entropy_chain', models.CharField(blank=True, editable=False, help_text='Hash of the drand chain', max_length=64)),
                    ('entropy_round', models.PositiveBigIntegerField(editable=False, null=True)),
                    ('entropy_value', models.TextField(blank=True, editable=False)),
                    ('entropy_entered_at', models.DateTimeField(editable=False, null=True)),
                    ('first_drawn_at', models.DateTimeField(blank=True, editable=False, help_text='When the first rows were drawn', null=True)),
                    ('opened_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('closed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                    ('active_score_file', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile')),
                    ('named_score_file', models.ForeignKey(blank=True, editable=False, help_text='The file that will be active, named before luck could be known', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'permissions': [('process_scores', 'Can upload and process score files'), ('activate_scores', 'Can choose the active score file'), ('import_registrations', 'Can import registrations'), ('late_scores', 'Can take in score files after luck could be known'), ('late_activation', 'Can switch the active score file after luck could be known'), ('late_lists', 'Can change lists after luck could be known'), ('late_registrations', 'Can take in registrations after luck could be known'), ('enter_entropy', 'Can enter the public random value'), ('move_entropy_source', 'Can move the public source of an open campaign once'), ('view_personal_data', 'Can see e-mail addresses, phone numbers and codes'), ('export_personal_data', 'Can download files that hold personal data'), ('archive_campaign', 'Can archive closed campaigns')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(models.Q(('archived_at__isnull', False), ('status', 'archived')), models.Q(models.Q(('status', 'archived'), _negated=True), ('archived_at', None)), _connector='OR'), name='campaign_archived_has_its_time'),
                        models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('seed__isnull', False), ('salt__isnull', False), models.Q(('commitment', ''), _negated=True), models.Q(('draw_scheme', 1), models.Q(('salt_commitment', ''), _negated=True), _connector='OR')), _connector='OR'), name='campaign_open_has_its_draw'),
                        models.CheckConstraint(condition=models.Q(models.Q(('entropy_chain', ''), ('entropy_round', None)), models.Q(models.Q(('entropy_chain', ''), _negated=True), models.Q(('entropy_source', ''), _negated=True), ('entropy_round__gte', 1)), _connector='OR'), name='campaign_round_is_of_a_chain'),
                        models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('entropy_public_at', None), ('entropy_source', '')), models.Q(('draw_supplied', True), ('entropy_public_at', None)), ('draw_scheme', 1), models.Q(models.Q(('entropy_source', ''), _negated=True), models.Q(('entropy_public_at', None), _negated=True), ('entropy_public_at__gt', models.F('opened_at'))), _connector='OR'), name='campaign_source_was_to_come'),
                        models.CheckConstraint(condition=models.Q(models.Q(('entropy_entered_at', None), ('entropy_value', '')), models.Q(models.Q(('entropy_value', ''), _negated=True), models.Q(('entropy_source', ''), _negated=True), models.Q(('entropy_entered_at', None), _negated=True)), _connector='OR'), name='campaign_value_has_its_time'),
                        models.CheckConstraint(condition=models.Q(('entropy_entered_at__gte', models.F('entropy_public_at'))), name='campaign_value_was_public'),
                        models.CheckConstraint(condition=models.Q(('min_score__gte', 0), ('min_score__lte', 1)), name='campaign_min_score'),
                        models.CheckConstraint(condition=models.Q(('registration_closes__gt', models.F('registration_opens'))), name='campaign_window', violation_error_message='Registration must close after it opens.'),
                        models.CheckConstraint(condition=models.Q(('registration_closes__gte', datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)), ('registration_closes__lt', datetime.datetime(2201, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)), ('registration_opens__gte', datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)), ('registration_opens__lt', datetime.datetime(2201, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), name='campaign_years'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Market',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='markets', to='campaigns.campaign', db_index=False)),
                    ('market_id', models.CharField(max_length=40, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{1,40}\\Z', 'Use 1 to 40 letters, digits and hyphens.')])),
                    ('name', models.CharField(max_length=200)),
                    ('capacity', models.PositiveIntegerField(default=0)),
                    ('selection_time', models.DateTimeField(help_text='Fans who registered later are not selected for this market', validators=[operations.entry.validators.year_is_allowed])),
                    ('position', models.PositiveIntegerField(default=0)),
                    ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), blank=True, default=list, size=None)),
                    ('time_zone', models.CharField(blank=True, db_default='', default='', help_text="Where its fans are, for the campaign's quiet hours. Empty: the campaign's", max_length=60)),
                ],
                options={
                    'ordering': ['position', 'market_id'],
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'market_id'), name='market_once', violation_error_message='The campaign has a market with this market id. Enter a different one.'),
                        models.CheckConstraint(condition=models.Q(('selection_time__gte', datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)), ('selection_time__lt', datetime.datetime(2201, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), name='market_years'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RuleChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rule_changes', to='campaigns.campaign')),
                    ('market_id', models.CharField(blank=True, max_length=40)),
                    ('option', models.CharField(max_length=60)),
                    ('judges', models.BooleanField(default=True, help_text='Judges rows or selects fans')),
                    ('before', models.TextField(blank=True)),
                    ('after', models.TextField(blank=True)),
                    ('reason', models.TextField(blank=True)),
                    ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('at', models.DateTimeField(default=operations.database.clock.database_time, editable=False)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('judges', False), models.Q(('reason', ''), _negated=True), _connector='OR'), name='rulechange_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ListEntry',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='list_entries', to='campaigns.campaign', db_index=False)),
                    ('kind', models.CharField(choices=[('blacklist', 'Blacklist'), ('whitelist', 'Whitelist'), ('disposable', 'Disposable')], max_length=10)),
                    ('pattern', models.CharField(help_text='An address, @domain, @pattern* or (whitelist) a pattern', max_length=254)),
                    ('note', models.CharField(blank=True, max_length=200)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'verbose_name_plural': 'list entries',
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'kind', 'pattern'), name='listentry_once', nulls_distinct=False, violation_error_message='This pattern is on the list already. Enter a different one.'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SourceMove',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='source_move', to='campaigns.campaign')),
                    ('source', models.CharField(max_length=200)),
                    ('chain', models.CharField(blank=True, max_length=64)),
                    ('round', models.PositiveBigIntegerField(blank=True, null=True)),
                    ('form', models.CharField(max_length=200)),
                    ('public_at', models.DateTimeField()),
                    ('reason', models.TextField()),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('at', models.DateTimeField()),
                ],
                options={
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='sourcemove_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Registrant',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='registrants', to='campaigns.campaign', db_index=False)),
                    ('global_user_id', models.TextField()),
                    ('member_id', models.TextField(blank=True)),
                    ('email', models.CharField(blank=True, max_length=254)),
                    ('phone', models.CharField(blank=True, help_text='E.164', max_length=20)),
                    ('phone_region', models.CharField(blank=True, max_length=3)),
                    ('phone_confirmed', models.BooleanField(default=False)),
                    ('country', models.CharField(blank=True, max_length=2)),
                    ('language', models.CharField(blank=True, db_default='', help_text='BCP 47, such as pt-BR', max_length=35)),
                    ('preferences', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, help_text='Market ids, best first; none = any', size=None)),
                    ('registered_at', models.DateTimeField()),
                    ('changed_at', models.DateTimeField(help_text='date.created of the record that won')),
                    ('tags', models.CharField(blank=True, max_length=200)),
                    ('verdict', models.BooleanField(blank=True, null=True)),
                    ('published_by', models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='The file that publishes its record; none for a record from the stream', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.registrationimport')),
                ],
                options={
                    'indexes': [
                        models.Index(condition=models.Q(('published_by__isnull', False)), fields=['published_by', 'id'], name='registrant_published_by'),
                        models.Index(fields=['email'], name='registrant_email'),
                        models.Index(fields=['phone'], name='registrant_phone'),
                        models.Index(fields=['member_id'], name='registrant_member_id'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'global_user_id'), name='registrant_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RegistrationImport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imports', to='campaigns.campaign', db_index=False)),
                    ('name', models.CharField(max_length=255)),
                    ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                    ('sha256', models.CharField(max_length=64)),
                    ('corrects', models.ForeignKey(blank=True, help_text='The registration file whose rejected rows it corrects', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='campaigns.registrationimport')),
                    ('rows_in', models.BigIntegerField(default=0)),
                    ('accepted', models.BigIntegerField(default=0)),
                    ('rejected', models.BigIntegerField(default=0)),
                    ('rejected_by', models.JSONField(default=dict)),
                    ('tagged_by', models.JSONField(default=dict)),
                    ('columns', models.JSONField(default=list, help_text='All columns, as the file spells them')),
                    ('ignored_columns', models.JSONField(default=list)),
                    ('rejected_key', models.CharField(blank=True, max_length=300)),
                    ('finished', models.BooleanField(default=False)),
                    ('published_to', models.BigIntegerField(default=0, help_text='The number of the last registrant whose record it has published')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('reason', models.TextField(blank=True, help_text='Why it is taken in late')),
                    ('taken_by', models.ForeignKey(blank=True, help_text='Who takes it in late', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'registration file',
                    'ordering': ['-id'],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('finished', False), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected'))), _connector='OR'), name='import_ledger'),
                        models.UniqueConstraint(fields=('campaign', 'sha256', 'corrects'), name='import_once', nulls_distinct=False),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RejectedRegistration',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('registration_import', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='campaigns.registrationimport')),
                    ('line', models.BigIntegerField()),
                    ('global_user_id', models.TextField(blank=True)),
                    ('reason', models.CharField(choices=[('malformed_row', 'Unreadable row'), ('missing_user_id', 'No fan id'), ('duplicate', 'Duplicate of an earlier row'), ('erased', 'Fan was erased'), ('invalid_score', 'Score is not a number from 0 to 1'), ('blacklisted_email', 'Address is on the blacklist'), ('blacklisted_domain', 'Domain is on the blacklist'), ('disposable_domain', 'Disposable e-mail domain'), ('intl_phone', 'International phone number'), ('no_contact', 'No usable contact'), ('shared_contact', 'Contact shared by too many fans'), ('below_minimum_score', 'Score below the minimum'), ('outside_window', 'Outside the registration window'), ('unknown_market', 'Unknown market'), ('superseded', 'Replaced by a newer registration')], max_length=24)),
                    ('raw', models.TextField(help_text='The line as it is in the file; bytes that are not UTF-8 as \\xNN')),
                    ('email', models.TextField(null=True)),
                    ('phone', models.TextField(null=True)),
                    ('member_id', models.TextField(null=True)),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['registration_import', 'line'], name='rejected_of_an_import'),
                        django.contrib.postgres.indexes.GinIndex(models.Func(models.F('raw'), function='campaigns_fields'), condition=models.Q(('email', None)), name='rejectedregistration_fields'),
                        models.Index(models.Func(models.F('global_user_id'), function='lower', template='%(function)s(%(expressions)s COLLATE "C")'), name='rejectedregistration_fan'),
                        models.Index(fields=['email'], name='rejectedregistration_email'),
                        models.Index(fields=['phone'], name='rejectedregistration_phone'),
                        models.Index(fields=['member_id'], name='rejectedregistration_member_id'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='CorrectedRegistration',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('registration_import', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='corrected_rows', to='campaigns.registrationimport')),
                    ('line', models.BigIntegerField()),
                    ('corrected_line', models.BigIntegerField()),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('registration_import', 'corrected_line'), name='corrected_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Arrival',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.TextField()),
                    ('version', models.CharField(help_text="S3's ETag and its date, or when the file was last written to", max_length=120)),
                    ('size', models.BigIntegerField()),
                    ('campaign', models.ForeignKey(blank=True, help_text="Of a browser's upload to S3", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign')),
                    ('name', models.CharField(blank=True, help_text="The uploaded file's own name", max_length=255)),
                    ('activate', models.BooleanField(default=True)),
                    ('dry_run_first', models.BooleanField(default=False, help_text='Start with a dry run; a person decides what follows')),
                    ('reason', models.TextField(blank=True, help_text='Why it is taken in late')),
                    ('taken_by', models.ForeignKey(blank=True, help_text='Who takes it in late', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.scorefile')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [
                        models.UniqueConstraint(fields=('key', 'version'), name='arrival_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RankFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('fanlist', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rank_files', to='campaigns.fanlist', db_index=False)),
                    ('name', models.CharField(max_length=255)),
                    ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                    ('sha256', models.CharField(max_length=64)),
                    ('bytes', models.BigIntegerField(default=0)),
                    ('formula', models.CharField(choices=[('linear', 'Linear'), ('percentile', 'Percentile')], help_text="The campaign's formula when the file was received", max_length=10)),
                    ('activate', models.BooleanField(default=True, help_text='Make its score file active when processing finishes')),
                    ('reason', models.TextField(blank=True, help_text='Why it is taken in late')),
                    ('counts', models.JSONField(default=dict, help_text='records, malformed, invalid_ranks, fans, max_rank')),
                    ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rank_files', to='campaigns.scorefile')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [
                        models.UniqueConstraint(fields=('fanlist', 'sha256', 'formula'), name='rankfile_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='FanList',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('fanlist_id', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{1,40}\\Z', 'Use 1 to 40 letters, digits and hyphens.')], verbose_name='fan list id')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fanlists', to='campaigns.campaign')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['-id'],
                },
            ),
            migrations.CreateModel(
                name='ScoreFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='score_files', to='campaigns.campaign', db_index=False)),
                    ('attempt', models.PositiveIntegerField(help_text="Its number among the campaign's attempts, public")),
                    ('name', models.CharField(max_length=255)),
                    ('timestamp', models.CharField(help_text='The part of the name between campaign id and .txt', max_length=40)),
                    ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                    ('sha256', models.CharField(max_length=64)),
                    ('kept_sha256', models.CharField(blank=True, editable=False, help_text='Of the object since rows of erased fans were taken out; empty before that', max_length=64)),
                    ('bytes', models.BigIntegerField(default=0)),
                    ('supplement_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='supplements', to='campaigns.scorefile')),
                    ('fanlist', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='score_files', to='campaigns.fanlist')),
                    ('manifest_key', models.CharField(blank=True, help_text='Of a file of ranks: what was translated, and how', max_length=300)),
                    ('min_score', models.FloatField(editable=False, help_text='The minimum that its rows were checked by; public', null=True)),
                    ('state', models.CharField(choices=[('uploaded', 'Uploaded'), ('processing', 'Processing'), ('validated', 'Validated'), ('streamed', 'Streamed'), ('saved', 'Saved'), ('failed', 'Failed')], default='uploaded', max_length=12)),
                    ('error', models.TextField(blank=True)),
                    ('activate_when_streamed', models.BooleanField(default=True)),
                    ('late', models.BooleanField(default=False, help_text='Received after luck could be known: it becomes active by hand')),
                    ('rules', models.JSONField(default=dict, help_text='Snapshot of the lists, options and versions that its rows are checked by')),
                    ('rules_digest', models.CharField(blank=True, max_length=64)),
                    ('rules_fixed_at', models.DateTimeField(editable=False, help_text='When its rules were taken; empty before that', null=True)),
                    ('roster_digest', models.CharField(blank=True, max_length=64)),
                    ('roster_size', models.BigIntegerField(default=0, help_text='Rows that the roster lists')),
                    ('ignored_columns', models.JSONField(default=list)),
                    ('warnings', models.JSONField(default=list, help_text='What was missing when its rules were taken, in sentences')),
                    ('rows_in', models.BigIntegerField(default=0)),
                    ('accepted', models.BigIntegerField(default=0)),
                    ('rejected', models.BigIntegerField(default=0)),
                    ('rejected_by', models.JSONField(default=dict)),
                    ('tagged_by', models.JSONField(default=dict)),
                    ('bands', models.JSONField(default=dict)),
                    ('streamed', models.BigIntegerField(default=0)),
                    ('stream_position', models.BigIntegerField(blank=True, help_text='Position of the last batch on the stream', null=True)),
                    ('scrubbed_key', models.CharField(blank=True, max_length=300)),
                    ('rejected_key', models.CharField(blank=True, max_length=300)),
                    ('dry_run', models.JSONField(blank=True, help_text='What a dry run found, before anything was counted', null=True)),
                    ('fairness', models.JSONField(blank=True, help_text='The fairness report of its draw', null=True)),
                    ('suspicious', models.JSONField(blank=True, help_text='How many suspicious groups were found in it', null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('streamed_at', models.DateTimeField(blank=True, null=True)),
                    ('rows_deleted_at', models.DateTimeField(blank=True, editable=False, help_text='When its rows were deleted, because its campaign is archived', null=True)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'attempt'), name='scorefile_attempt'),
                        models.UniqueConstraint(condition=models.Q(('state', 'failed'), _negated=True), fields=('campaign', 'sha256', 'rules_digest'), name='scorefile_same_bytes'),
                        models.CheckConstraint(condition=models.Q(('state__in', ['uploaded', 'processing', 'failed']), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected'))), _connector='OR'), name='scorefile_ledger'),
                        models.CheckConstraint(condition=models.Q(('roster_digest', ''), ('roster_size', models.F('accepted')), _connector='OR'), name='scorefile_roster_lists_all'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['streamed', 'saved']), _negated=True), ('streamed', models.F('accepted')), _connector='OR'), name='scorefile_streamed_all'),
                        models.CheckConstraint(condition=models.Q(('late', False), ('activate_when_streamed', False), _connector='OR'), name='scorefile_late_is_active_by_hand'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='scorefile_failed_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Activation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='activations', to='campaigns.campaign')),
                    ('score_file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile')),
                    ('replaced', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile')),
                    ('at', models.DateTimeField(auto_now_add=True)),
                    ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('undone', models.BooleanField(default=False)),
                    ('undone_at', models.DateTimeField(blank=True, null=True)),
                    ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('undone', True), models.Q(('undone_at', None), ('undone_by', None)), _connector='OR'), name='activation_undone_has_its_time'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='FanScore',
                fields=[
                    ('pk', models.CompositePrimaryKey('score_file', 'global_user_id', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('score_file', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='scores', to='campaigns.scorefile')),
                    ('global_user_id', models.TextField()),
                    ('line', models.BigIntegerField()),
                    ('row_id', models.TextField(help_text="The file's id column")),
                    ('member_id', models.TextField()),
                    ('email', models.CharField(help_text='Empty where there is none', max_length=254)),
                    ('phone', models.CharField(help_text='E.164, empty where there is none', max_length=20)),
                    ('phone_region', models.CharField(max_length=3)),
                    ('phone_confirmed', models.BooleanField()),
                    ('country', models.TextField()),
                    ('raw_text', models.TextField(help_text='The score as written')),
                    ('raw_score', models.FloatField()),
                    ('band', models.CharField(max_length=4)),
                    ('band_score', models.FloatField(null=True)),
                    ('luck', models.BigIntegerField(help_text='The first 64 bits of h, less 2^63: sorts as h does', null=True)),
                    ('tags', models.TextField(help_text='Joined by |')),
                    ('preferences', models.TextField(help_text='Market ids the fan asked for, joined by | (empty = any); null if they had not registered when the row was checked', null=True)),
                ],
                options={
                    'db_table': 'campaigns_fanscore',
                    'managed': False,
                },
            ),
            migrations.CreateModel(
                name='RejectedRow',
                fields=[
                    ('pk', models.CompositePrimaryKey('score_file', 'line', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('score_file', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='campaigns.scorefile')),
                    ('line', models.BigIntegerField()),
                    ('global_user_id', models.TextField()),
                    ('reason', models.CharField(choices=[('malformed_row', 'Unreadable row'), ('missing_user_id', 'No fan id'), ('duplicate', 'Duplicate of an earlier row'), ('erased', 'Fan was erased'), ('invalid_score', 'Score is not a number from 0 to 1'), ('blacklisted_email', 'Address is on the blacklist'), ('blacklisted_domain', 'Domain is on the blacklist'), ('disposable_domain', 'Disposable e-mail domain'), ('intl_phone', 'International phone number'), ('no_contact', 'No usable contact'), ('shared_contact', 'Contact shared by too many fans'), ('below_minimum_score', 'Score below the minimum'), ('outside_window', 'Outside the registration window'), ('unknown_market', 'Unknown market'), ('superseded', 'Replaced by a newer registration')], max_length=24)),
                    ('raw', models.TextField(help_text='The line as it is in the file; bytes that are not UTF-8 as \\xNN')),
                    ('email', models.TextField(null=True)),
                    ('phone', models.TextField(null=True)),
                    ('member_id', models.TextField(null=True)),
                ],
                options={
                    'db_table': 'campaigns_rejectedrow',
                    'managed': False,
                },
            ),
            migrations.CreateModel(
                name='SuspiciousGroup',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('score_file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='suspicious_groups', to='campaigns.scorefile', db_index=False)),
                    ('number', models.PositiveIntegerField(help_text='Its place in the report, from 1')),
                    ('kind', models.CharField(choices=[('running_digits', 'One name with running digits'), ('phone_run', 'Consecutive phone numbers'), ('rare_domain', 'Rare domain with many fans'), ('spellings', 'One contact in many spellings'), ('burst', 'Registrations in a burst')], max_length=20)),
                    ('fans', models.PositiveIntegerField()),
                    ('expected', models.FloatField(help_text='Fans that chance alone would put there')),
                    ('corrected_p', models.FloatField(help_text='Chance of such a group, corrected for all looked at')),
                    ('about', models.JSONField(default=dict, help_text='What can be said of it without a contact')),
                ],
                options={
                    'ordering': ['number'],
                    'constraints': [
                        models.UniqueConstraint(fields=('score_file', 'number'), name='suspiciousgroup_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SuspiciousFan',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='campaigns.suspiciousgroup', db_index=False)),
                    ('place', models.PositiveIntegerField()),
                    ('global_user_id', models.TextField()),
                ],
                options={
                    'ordering': ['place'],
                    'constraints': [
                        models.UniqueConstraint(fields=('group', 'place'), name='suspiciousfan_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='LateChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='late_changes', to='campaigns.campaign', db_index=False)),
                    ('number', models.PositiveIntegerField(help_text="Among the campaign's late changes, public")),
                    ('kind', models.CharField(choices=[('score_file', 'Score file'), ('activation', 'Active score file'), ('lists', 'Lists'), ('registrations', 'Registrations'), ('wave_rules', 'Rules of one wave')], max_length=20)),
                    ('subject', models.CharField(max_length=200)),
                    ('reason', models.TextField()),
                    ('details', models.JSONField(blank=True, default=dict)),
                    ('moved', models.PositiveBigIntegerField(blank=True, help_text='Fans it moved; not known while its file is processed', null=True)),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('at', models.DateTimeField(default=operations.database.clock.database_time, editable=False)),
                ],
                options={
                    'ordering': ['number'],
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'number'), name='latechange_number'),
                        models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='latechange_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='KeptList',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='kept_lists', to='campaigns.campaign', db_index=False)),
                    ('kind', models.CharField(choices=[('blacklist', 'Blacklist'), ('whitelist', 'Whitelist'), ('disposable', 'Disposable')], max_length=20)),
                    ('content', models.BinaryField()),
                    ('sha256', models.CharField(max_length=64)),
                    ('waiting_sha256', models.CharField(blank=True, max_length=64)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'kind'), name='keptlist_one_each'),
                    ],
                },
            ),
        ]),
        migrations.RunSQL(search.FIELDS, search.NO_FIELDS),
        migrations.RunSQL(scores.SCORES + scores.REJECTED_ROWS + scores.SCORES_STAY, scores.NO_SCORES),
        migrations.RunSQL(draw.DRAW_IS_LOCKED, draw.DRAW_IS_NOT_LOCKED),
        migrations.RunSQL(draw.ONLY_DRAFTS, draw.NOT_ONLY_DRAFTS),
    ]
