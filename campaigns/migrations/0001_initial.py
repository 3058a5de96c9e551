"""Campaigns and their draw, registrations, score files with their scores and rejected rows, and
what arrives in the bucket.
"""

import campaigns.models.presales
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# A score file has a partition of its own. Its number is the same in all rows of the partition, so
# an index that begins with it takes twice as long to build: the indexes begin with what differs.
# [S-13]
SCORES = """
CREATE TABLE campaigns_fanscore (
    score_file_id bigint NOT NULL,
    global_user_id text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    row_id text NOT NULL,
    member_id text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    phone_region text NOT NULL,
    phone_confirmed boolean NOT NULL,
    country text NOT NULL,
    raw_text text NOT NULL,
    raw_score double precision NOT NULL,
    band text NOT NULL,
    band_score double precision,
    luck bigint,
    tags text NOT NULL,
    market_id text NOT NULL,
    CONSTRAINT fanscore_pkey PRIMARY KEY (global_user_id, score_file_id),
    CONSTRAINT fanscore_drawn CHECK ((band_score IS NULL) = (luck IS NULL))
) PARTITION BY LIST (score_file_id);
CREATE INDEX fanscore_in_order ON campaigns_fanscore (band_score DESC, luck DESC, global_user_id);
CREATE TRIGGER fanscore_is_never_updated BEFORE UPDATE ON campaigns_fanscore
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('scores are inserted, never updated');
"""
REJECTED_ROWS = """
CREATE TABLE campaigns_rejectedrow (
    score_file_id bigint NOT NULL,
    line bigint NOT NULL,
    global_user_id text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    raw text NOT NULL,
    CONSTRAINT rejectedrow_pkey PRIMARY KEY (line, score_file_id)
) PARTITION BY LIST (score_file_id);
CREATE UNIQUE INDEX rejectedrow_one_outcome ON campaigns_rejectedrow (global_user_id, score_file_id)
    WHERE reason NOT IN ('malformed_row', 'missing_user_id', 'duplicate');
"""
# [S-8]
DRAW_IS_LOCKED = """
CREATE FUNCTION campaigns_draw_is_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seed IS NOT NULL AND (NEW.seed IS DISTINCT FROM OLD.seed OR NEW.salt IS DISTINCT FROM OLD.salt
            OR NEW.commitment IS DISTINCT FROM OLD.commitment OR NEW.draw_supplied IS DISTINCT FROM OLD.draw_supplied
            OR NEW.entropy_source IS DISTINCT FROM OLD.entropy_source) THEN
        RAISE EXCEPTION 'The draw of campaign % is locked: seed, salt, commitment and source cannot change', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.entropy_value <> '' AND NEW.entropy_value IS DISTINCT FROM OLD.entropy_value THEN
        RAISE EXCEPTION 'The public value of campaign % was entered already', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_draw_is_locked BEFORE UPDATE ON campaigns_campaign
    FOR EACH ROW EXECUTE FUNCTION campaigns_draw_is_locked();
"""
DRAW_IS_NOT_LOCKED = """
DROP TRIGGER campaign_draw_is_locked ON campaigns_campaign;
DROP FUNCTION campaigns_draw_is_locked();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('operations', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FanScore',
            fields=[
                ('pk', models.CompositePrimaryKey('score_file', 'global_user_id', blank=True, editable=False, primary_key=True, serialize=False)),
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
                ('market_id', models.TextField(help_text="The registrant's first preference when the row was checked; may be empty")),
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
                ('line', models.BigIntegerField()),
                ('global_user_id', models.TextField()),
                ('reason', models.CharField(choices=[('malformed_row', 'Unreadable row'), ('missing_user_id', 'No fan id'), ('duplicate', 'Duplicate of an earlier row'), ('invalid_score', 'Score is not a number from 0 to 1'), ('blacklisted_email', 'Address is on the blacklist'), ('blacklisted_domain', 'Domain is on the blacklist'), ('disposable_domain', 'Disposable e-mail domain'), ('intl_phone', 'International phone number'), ('no_contact', 'No usable contact'), ('shared_contact', 'Contact shared by too many fans'), ('below_minimum_score', 'Score below the minimum'), ('unknown_market', 'Unknown market'), ('superseded', 'Replaced by a newer registration')], max_length=24)),
                ('raw', models.TextField(help_text='The line as it is in the file; bytes that are not UTF-8 as \\xNN')),
            ],
            options={
                'db_table': 'campaigns_rejectedrow',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('campaign_id', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{1,40}\\Z', 'Use 1 to 40 letters, digits and hyphens.')])),
                ('name', models.CharField(max_length=200)),
                ('artist', models.CharField(blank=True, max_length=200)),
                ('category_id', models.CharField(blank=True, max_length=80)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('closed', 'Closed'), ('archived', 'Archived')], default='draft', max_length=10)),
                ('registration_opens', models.DateTimeField(blank=True, null=True)),
                ('registration_closes', models.DateTimeField(blank=True, null=True)),
                ('time_zone', models.CharField(default='UTC', help_text='Such as America/New_York', max_length=60)),
                ('product_id', models.CharField(blank=True, max_length=80)),
                ('source', models.CharField(blank=True, max_length=80)),
                ('allow_intl_phones', models.BooleanField(default=False, verbose_name='allow international phones')),
                ('home_countries', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=2), default=campaigns.models.presales.home_of_the_us, size=None)),
                ('require_confirmed_phone', models.BooleanField(default=False)),
                ('min_score', models.FloatField(default=0.22, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)])),
                ('max_fans_per_contact', models.PositiveIntegerField(default=0, help_text='0 = no limit')),
                ('scoring_type', models.CharField(choices=[('linear', 'Linear'), ('percentile', 'Percentile')], default='linear', max_length=10)),
                ('code_source', models.CharField(choices=[('own', 'Own codes'), ('tm', 'TM (stock managed elsewhere)'), ('partner', "Partner's code service")], default='own', max_length=10)),
                ('code_prefix', models.CharField(blank=True, max_length=10, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{0,10}\\Z', 'Use at most 10 letters, digits and hyphens.')])),
                ('code_length', models.PositiveSmallIntegerField(default=10, validators=[django.core.validators.MinValueValidator(6), django.core.validators.MaxValueValidator(32)])),
                ('notify_channels', models.CharField(choices=[('both', 'Both'), ('sms_first', 'Sms First')], default='both', max_length=10)),
                ('seed', models.BinaryField(blank=True, null=True)),
                ('salt', models.BinaryField(blank=True, null=True)),
                ('commitment', models.CharField(blank=True, editable=False, max_length=64)),
                ('draw_supplied', models.BooleanField(default=False, editable=False, help_text='Seed and salt were supplied, for a rehearsal')),
                ('entropy_source', models.CharField(blank=True, help_text='A future public value, such as drand round 5551234', max_length=200)),
                ('entropy_value', models.TextField(blank=True, editable=False)),
                ('opened_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('frozen', models.BooleanField(default=False, editable=False, help_text="A wave is between PREPARED and COMPLETED; kept by the waves' trigger")),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('process_scores', 'Can upload and process score files'), ('activate_scores', 'Can choose the active score file'), ('import_registrations', 'Can import registrations'), ('enter_entropy', 'Can enter the public random value'), ('view_personal_data', 'Can see e-mail addresses, phone numbers and codes'), ('export_personal_data', 'Can download files that hold personal data')],
            },
        ),
        migrations.CreateModel(
            name='FanList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fanlist_id', models.CharField(max_length=40, unique=True, verbose_name='fan list id', validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{1,40}\\Z', 'Use 1 to 40 letters, digits and hyphens.')])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fanlists', to='campaigns.campaign')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RegistrationImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                ('sha256', models.CharField(max_length=64)),
                ('rows_in', models.BigIntegerField(default=0)),
                ('accepted', models.BigIntegerField(default=0)),
                ('rejected', models.BigIntegerField(default=0)),
                ('rejected_by', models.JSONField(default=dict)),
                ('tagged_by', models.JSONField(default=dict)),
                ('rejected_key', models.CharField(blank=True, max_length=300)),
                ('finished', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imports', to='campaigns.campaign')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'registration file',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RejectedRegistration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.BigIntegerField()),
                ('global_user_id', models.TextField(blank=True)),
                ('reason', models.CharField(choices=[('malformed_row', 'Unreadable row'), ('missing_user_id', 'No fan id'), ('duplicate', 'Duplicate of an earlier row'), ('invalid_score', 'Score is not a number from 0 to 1'), ('blacklisted_email', 'Address is on the blacklist'), ('blacklisted_domain', 'Domain is on the blacklist'), ('disposable_domain', 'Disposable e-mail domain'), ('intl_phone', 'International phone number'), ('no_contact', 'No usable contact'), ('shared_contact', 'Contact shared by too many fans'), ('below_minimum_score', 'Score below the minimum'), ('unknown_market', 'Unknown market'), ('superseded', 'Replaced by a newer registration')], max_length=24)),
                ('raw', models.TextField(help_text='The line as it is in the file; bytes that are not UTF-8 as \\xNN')),
                ('registration_import', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='campaigns.registrationimport')),
            ],
        ),
        migrations.CreateModel(
            name='ScoreFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveIntegerField(help_text="Its number among the campaign's attempts, public")),
                ('name', models.CharField(max_length=255)),
                ('timestamp', models.CharField(help_text='The part of the name between campaign id and .txt', max_length=40)),
                ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                ('sha256', models.CharField(max_length=64)),
                ('bytes', models.BigIntegerField(default=0)),
                ('manifest_key', models.CharField(blank=True, help_text='Of a file of ranks: what was translated, and how', max_length=300)),
                ('state', models.CharField(choices=[('uploaded', 'Uploaded'), ('processing', 'Processing'), ('validated', 'Validated'), ('streamed', 'Streamed'), ('saved', 'Saved'), ('failed', 'Failed')], default='uploaded', max_length=12)),
                ('error', models.TextField(blank=True)),
                ('activate_when_streamed', models.BooleanField(default=True)),
                ('rules', models.JSONField(default=dict, help_text='Snapshot of the lists, options and versions that its rows are checked by')),
                ('rules_digest', models.CharField(blank=True, max_length=64)),
                ('roster_digest', models.CharField(blank=True, max_length=64)),
                ('ignored_columns', models.JSONField(default=list)),
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
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('streamed_at', models.DateTimeField(blank=True, null=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='score_files', to='campaigns.campaign')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('fanlist', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='score_files', to='campaigns.fanlist')),
                ('supplement_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='supplements', to='campaigns.scorefile')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RankFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                ('sha256', models.CharField(max_length=64)),
                ('bytes', models.BigIntegerField(default=0)),
                ('formula', models.CharField(choices=[('linear', 'Linear'), ('percentile', 'Percentile')], help_text="The campaign's formula when the file was received", max_length=10)),
                ('activate', models.BooleanField(default=True, help_text='Make its score file active when processing finishes')),
                ('counts', models.JSONField(default=dict, help_text='records, malformed, invalid_ranks, fans, max_rank')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('fanlist', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rank_files', to='campaigns.fanlist')),
                ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rank_files', to='campaigns.scorefile')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='campaign',
            name='active_score_file',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile'),
        ),
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.TextField()),
                ('version', models.CharField(help_text="S3's ETag, or when the file was last written to", max_length=120)),
                ('size', models.BigIntegerField()),
                ('name', models.CharField(blank=True, help_text="The uploaded file's own name", max_length=255)),
                ('activate', models.BooleanField(default=True)),
                ('dry_run_first', models.BooleanField(default=False, help_text='Start with a dry run; a person decides what follows')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('campaign', models.ForeignKey(blank=True, help_text="Of a browser's upload to S3", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign')),
                ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.scorefile')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Activation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('undone', models.BooleanField(default=False)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='activations', to='campaigns.campaign')),
                ('replaced', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile')),
                ('score_file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ListEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('blacklist', 'Blacklist'), ('whitelist', 'Whitelist'), ('disposable', 'Disposable')], max_length=10)),
                ('pattern', models.CharField(help_text='An address, @domain, @pattern* or (whitelist) a pattern', max_length=254)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='list_entries', to='campaigns.campaign')),
            ],
            options={
                'verbose_name_plural': 'list entries',
                'constraints': [models.UniqueConstraint(fields=('campaign', 'kind', 'pattern'), name='listentry_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='Market',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('market_id', models.CharField(max_length=40, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9-]{1,40}\\Z', 'Use 1 to 40 letters, digits and hyphens.')])),
                ('name', models.CharField(max_length=200)),
                ('capacity', models.PositiveIntegerField(default=0)),
                ('selection_time', models.DateTimeField(help_text='Fans who registered later are not selected for this market')),
                ('position', models.PositiveIntegerField(default=0)),
                ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), blank=True, default=list, size=None)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='markets', to='campaigns.campaign')),
            ],
            options={
                'ordering': ['position', 'market_id'],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'market_id'), name='market_once')],
            },
        ),
        migrations.CreateModel(
            name='Registrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('global_user_id', models.TextField()),
                ('member_id', models.TextField(blank=True)),
                ('email', models.CharField(blank=True, max_length=254)),
                ('phone', models.CharField(blank=True, help_text='E.164', max_length=20)),
                ('phone_region', models.CharField(blank=True, max_length=3)),
                ('phone_confirmed', models.BooleanField(default=False)),
                ('country', models.CharField(blank=True, max_length=2)),
                ('preferences', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, help_text='Market ids, best first; none = any', size=None)),
                ('registered_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField(help_text='date.created of the record that won')),
                ('tags', models.CharField(blank=True, max_length=200)),
                ('verdict', models.BooleanField(blank=True, null=True)),
                ('published', models.BooleanField(default=False, help_text='Its registration record is on the stream, or came from it')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='registrants', to='campaigns.campaign')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('published', False)), fields=['campaign', 'id'], name='registrant_unpublished')],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'global_user_id'), name='registrant_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='registrationimport',
            constraint=models.CheckConstraint(condition=models.Q(('finished', False), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected'))), _connector='OR'), name='import_ledger'),
        ),
        migrations.AddConstraint(
            model_name='registrationimport',
            constraint=models.UniqueConstraint(fields=('campaign', 'sha256'), name='import_once'),
        ),
        migrations.AddIndex(
            model_name='rejectedregistration',
            index=models.Index(fields=['registration_import', 'line'], name='rejected_of_an_import'),
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.UniqueConstraint(fields=('campaign', 'attempt'), name='scorefile_attempt'),
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'failed'), _negated=True), fields=('campaign', 'sha256'), name='scorefile_same_bytes'),
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['uploaded', 'processing', 'failed']), ('rows_in', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected'))), _connector='OR'), name='scorefile_ledger'),
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='scorefile_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='rankfile',
            constraint=models.UniqueConstraint(fields=('fanlist', 'sha256', 'formula'), name='rankfile_once'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('seed__isnull', False), ('salt__isnull', False), models.Q(('commitment', ''), _negated=True)), _connector='OR'), name='campaign_open_has_its_draw'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('min_score__gte', 0), ('min_score__lte', 1)), name='campaign_min_score'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('registration_closes__gt', models.F('registration_opens'))), name='campaign_window', violation_error_message='Registration must close after it opens.'),
        ),
        migrations.AddConstraint(
            model_name='arrival',
            constraint=models.UniqueConstraint(fields=('key', 'version'), name='arrival_once'),
        ),
        migrations.RunSQL(SCORES, "DROP TABLE campaigns_fanscore"),
        migrations.RunSQL(REJECTED_ROWS, "DROP TABLE campaigns_rejectedrow"),
        migrations.RunSQL(DRAW_IS_LOCKED, DRAW_IS_NOT_LOCKED),
    ]
