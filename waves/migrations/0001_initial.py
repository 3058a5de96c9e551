"""Waves and their members, codes and assignments, messages, and providers' accounts."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.db import migrations, models

# [K-6]
ASSIGNMENTS_ARE_IMMUTABLE = """
CREATE FUNCTION waves_assignment_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('fairwave.erasure', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.campaign_id, NEW.global_user_id, NEW.code_id)
            IS NOT DISTINCT FROM (OLD.campaign_id, OLD.global_user_id, OLD.code_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Assignment % is immutable: its campaign, fan and code cannot be changed', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER assignment_is_immutable BEFORE UPDATE OR DELETE ON waves_assignment
    FOR EACH ROW EXECUTE FUNCTION waves_assignment_is_immutable();
"""
ASSIGNMENTS_ARE_MUTABLE = """
DROP TRIGGER assignment_is_immutable ON waves_assignment;
DROP FUNCTION waves_assignment_is_immutable();
"""
# A wave's state decides whether its members hold their fans, and whether its campaign is frozen.
# [K-6, S-13]
STATE_FOLLOWED = """
CREATE FUNCTION waves_state_is_felt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state IN ('cancelled', 'failed')) <> (OLD.state IN ('cancelled', 'failed')) THEN
        UPDATE waves_member SET holds_fan = NEW.state NOT IN ('cancelled', 'failed') WHERE wave_id = NEW.id;
    END IF;
    UPDATE campaigns_campaign SET frozen = EXISTS (
        SELECT 1 FROM waves_wave WHERE campaign_id = NEW.campaign_id
            AND state IN ('prepared', 'approved', 'scheduled', 'held', 'triggered', 'paused'))
    WHERE id = NEW.campaign_id AND frozen IS DISTINCT FROM EXISTS (
        SELECT 1 FROM waves_wave WHERE campaign_id = NEW.campaign_id
            AND state IN ('prepared', 'approved', 'scheduled', 'held', 'triggered', 'paused'));
    RETURN NULL;
END $$;
CREATE TRIGGER wave_state_is_felt AFTER UPDATE OF state ON waves_wave
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION waves_state_is_felt();
"""
STATE_NOT_FOLLOWED = """
DROP TRIGGER wave_state_is_felt ON waves_wave;
DROP FUNCTION waves_state_is_felt();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('campaigns', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
            name='Member',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('global_user_id', models.TextField()),
                ('member_id', models.TextField(blank=True)),
                ('email', models.CharField(blank=True, max_length=254)),
                ('phone', models.CharField(blank=True, max_length=20)),
                ('code', models.CharField(blank=True, help_text='TM where the stock is managed elsewhere', max_length=64)),
                ('place', models.PositiveIntegerField(help_text='Place in the order of all candidates, from 1 [S-9]')),
                ('band_score', models.FloatField()),
                ('holds_fan', models.BooleanField(default=True, editable=False)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.campaign')),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
            ],
        ),
        migrations.CreateModel(
            name='Wave',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date_key', models.CharField(help_text='YYYYMMDD or YYYYMMDD-n', max_length=20)),
                ('name', models.CharField(editable=False, help_text='{campaign_id}_{date_key}', max_length=80, unique=True)),
                ('notify_date', models.DateTimeField()),
                ('category_id', models.CharField(blank=True, max_length=80)),
                ('product_id', models.CharField(blank=True, max_length=80)),
                ('source', models.CharField(blank=True, max_length=80)),
                ('generate_offer_code', models.BooleanField(default=False)),
                ('options', models.JSONField(blank=True, default=dict)),
                ('order', models.CharField(choices=[('by_preference', 'First preferred market with free seats'), ('by_market_order', 'Market by market'), ('single_market', 'One market only')], default='by_preference', max_length=20)),
                ('single_market', models.CharField(blank=True, max_length=40)),
                ('min_score', models.FloatField(blank=True, null=True)),
                ('state', models.CharField(choices=[('configured', 'Configured'), ('code_generated', 'Code Generated'), ('prepared', 'Prepared'), ('approved', 'Approved'), ('scheduled', 'Scheduled'), ('held', 'Held'), ('triggered', 'Triggered'), ('paused', 'Paused'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='configured', max_length=20)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('error', models.TextField(blank=True)),
                ('members_digest', models.CharField(blank=True, max_length=64)),
                ('previewed_digest', models.CharField(blank=True, help_text='Of the members of the preview: others are not prepared', max_length=64)),
                ('content_digest', models.CharField(blank=True, max_length=64)),
                ('content', models.JSONField(blank=True, default=dict, help_text='Templates, channels and provider as prepared: what is sent, and what approval names')),
                ('notify_channels', models.CharField(choices=[('both', 'Both'), ('sms_first', 'Sms First')], default='both', max_length=10)),
                ('candidates', models.BigIntegerField(default=0)),
                ('selected', models.BigIntegerField(default=0)),
                ('waitlist', models.BigIntegerField(default=0)),
                ('excluded', models.JSONField(blank=True, default=dict)),
                ('zip_key', models.CharField(blank=True, max_length=300)),
                ('status_key', models.CharField(blank=True, max_length=300)),
                ('approved_digest', models.CharField(blank=True, max_length=64)),
                ('waiver', models.TextField(blank=True, help_text='Reason for having no second person, while WAVES_FOUR_EYES is off')),
                ('expedited', models.TextField(blank=True, help_text='Reason for short notice: less than a day before the notify date')),
                ('prepared_at', models.DateTimeField(blank=True, null=True)),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('scheduled_at', models.DateTimeField(blank=True, null=True)),
                ('triggered_at', models.DateTimeField(blank=True, null=True)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waves', to='campaigns.campaign')),
                ('edited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('prepared_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='waves', to='campaigns.scorefile')),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('prepare_wave', 'Can preview and prepare waves'), ('approve_wave', 'Can approve waves'), ('schedule_wave', 'Can schedule and unschedule waves'), ('send_wave', 'Can send, pause, resume and cancel waves'), ('expedite_wave', 'Can prepare a wave less than a day ahead'), ('reset_wave', 'Can reset a wave after two failed attempts'), ('stop_all', 'Can stop all sending')],
            },
        ),
        migrations.CreateModel(
            name='SendResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('total', models.BigIntegerField()),
                ('ok', models.BigIntegerField()),
                ('failed', models.BigIntegerField()),
                ('skipped', models.BigIntegerField()),
                ('unknown', models.BigIntegerField()),
                ('pending', models.BigIntegerField()),
                ('detail', models.JSONField(default=dict)),
                ('saved_at', models.DateTimeField(auto_now=True)),
                ('wave', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='result', to='waves.wave')),
            ],
        ),
        migrations.CreateModel(
            name='Sender',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('slots', models.PositiveIntegerField(default=0, help_text='Requests it may have in flight')),
                ('in_flight', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField()),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='senders', to='waves.provideraccount')),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='senders', to='waves.wave')),
            ],
        ),
        migrations.CreateModel(
            name='Send',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                ('key', models.UUIDField(help_text='Idempotency key of (wave, fan, channel)', unique=True)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='pending', max_length=14)),
                ('reason', models.CharField(blank=True, max_length=60)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(blank=True, help_text='Back-off: no attempt before this', null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('claim', models.UUIDField(blank=True, help_text='Fences the outcome: only the claim that sent may record it', null=True)),
                ('maybe_accepted', models.BooleanField(db_default=False, default=False, help_text='An earlier attempt may have arrived')),
                ('provider_id', models.CharField(blank=True, max_length=80)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('settled_at', models.DateTimeField(blank=True, help_text='When a receipt or a person settled it', null=True)),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sends', to='waves.member')),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sends', to='waves.wave')),
            ],
            options={
                'verbose_name': 'message',
            },
        ),
        migrations.AddField(
            model_name='member',
            name='wave',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='waves.wave'),
        ),
        migrations.CreateModel(
            name='Code',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64)),
                ('source', models.CharField(choices=[('own', 'Own codes'), ('tm', 'TM (stock managed elsewhere)'), ('partner', "Partner's code service")], default='own', max_length=10)),
                ('state', models.CharField(choices=[('available', 'Available'), ('reserved', 'Reserved'), ('assigned', 'Assigned'), ('published', 'Published')], default='available', max_length=12)),
                ('global_user_id', models.TextField(blank=True, help_text='The fan it is reserved for')),
                ('begins_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('reserved_at', models.DateTimeField(blank=True, null=True)),
                ('assigned_at', models.DateTimeField(blank=True, null=True)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='codes', to='campaigns.campaign')),
                ('market', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                ('wave', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='codes', to='waves.wave')),
            ],
            options={
                'verbose_name': 'access code',
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('global_user_id', models.TextField()),
                ('assigned_at', models.DateTimeField()),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='campaigns.campaign')),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                ('code', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='assignment', to='waves.code')),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='waves.wave')),
            ],
        ),
        migrations.CreateModel(
            name='WaveMarket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('capacity', models.PositiveIntegerField()),
                ('selection_time', models.DateTimeField()),
                ('position', models.PositiveIntegerField(default=0)),
                ('code_source', models.CharField(choices=[('own', 'Own codes'), ('tm', 'TM (stock managed elsewhere)'), ('partner', "Partner's code service")], default='own', max_length=10)),
                ('selected', models.PositiveIntegerField(default=0)),
                ('wanted', models.PositiveIntegerField(default=0)),
                ('cutoff', models.FloatField(blank=True, null=True)),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='wave_markets', to='waves.wave')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='QueuedEmail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='pending', max_length=14)),
                ('reason', models.CharField(blank=True, max_length=60)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(blank=True, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('claim', models.UUIDField(blank=True, null=True)),
                ('queued_at', models.DateTimeField(auto_now_add=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('send', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='queued_email', to='waves.send')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['pending', 'sending'])), fields=['id'], name='queuedemail_open')],
            },
        ),
        migrations.CreateModel(
            name='Template',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                ('language', models.CharField(default='en', max_length=10)),
                ('subject', models.CharField(blank=True, help_text='E-mail only', max_length=200)),
                ('body', models.TextField(help_text='Placeholders such as {campaign} and {code}')),
                ('html', models.TextField(blank=True, help_text='E-mail only; the text is sent together with it')),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='campaigns.campaign')),
                ('market', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='campaigns.market')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'market', 'channel', 'language'), name='template_once', nulls_distinct=False)],
            },
        ),
        migrations.AddIndex(
            model_name='wave',
            index=models.Index(condition=models.Q(('state', 'scheduled')), fields=['notify_date'], name='wave_due'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.UniqueConstraint(fields=('campaign', 'date_key'), name='wave_once'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(('attempts__lte', 2)), name='wave_attempts'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by', None), models.Q(('waiver', ''), _negated=True), models.Q(models.Q(('approved_by', models.F('prepared_by')), _negated=True), models.Q(('edited_by', None), models.Q(('approved_by', models.F('edited_by')), _negated=True), _connector='OR')), _connector='OR'), name='wave_four_eyes'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['approved', 'scheduled', 'triggered']), _negated=True), models.Q(('approved_digest', models.F('content_digest')), models.Q(('content_digest', ''), _negated=True), ('approved_by__isnull', False)), _connector='OR'), name='wave_approval_names_its_content'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('error', ''), _negated=True), _connector='OR'), name='wave_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='sendresult',
            constraint=models.CheckConstraint(condition=models.Q(('total', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('ok'), '+', models.F('failed')), '+', models.F('skipped')), '+', models.F('unknown')), '+', models.F('pending')))), name='sendresult_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='sender',
            constraint=models.CheckConstraint(condition=models.Q(('in_flight__lte', models.F('slots'))), name='sender_within_its_slots'),
        ),
        migrations.AddIndex(
            model_name='send',
            index=models.Index(condition=models.Q(('state__in', ['pending', 'sending'])), fields=['wave', 'channel', 'id'], name='send_open'),
        ),
        migrations.AddIndex(
            model_name='send',
            index=models.Index(fields=['wave', 'state'], name='send_state'),
        ),
        migrations.AddConstraint(
            model_name='send',
            constraint=models.UniqueConstraint(fields=('member', 'channel'), name='send_once'),
        ),
        migrations.AddConstraint(
            model_name='send',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='send_failed_says_why'),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(fields=['wave', 'market', 'place'], name='member_in_order'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(fields=('wave', 'global_user_id'), name='member_once'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(condition=models.Q(('holds_fan', True)), fields=('campaign', 'global_user_id'), name='member_in_one_live_wave'),
        ),
        migrations.AddIndex(
            model_name='code',
            index=models.Index(condition=models.Q(('state', 'available')), fields=['campaign', 'id'], name='code_available'),
        ),
        migrations.AddConstraint(
            model_name='code',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Upper('code'), name='code_once_whatever_its_case'),
        ),
        migrations.AddConstraint(
            model_name='code',
            constraint=models.UniqueConstraint(condition=models.Q(('wave__isnull', False)), fields=('wave', 'global_user_id'), name='code_one_reservation_per_fan_and_wave'),
        ),
        migrations.AddConstraint(
            model_name='code',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('code__iexact', 'TM'), _negated=True), models.Q(('code', ''), _negated=True)), name='code_is_no_placeholder'),
        ),
        migrations.AddConstraint(
            model_name='code',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'available'), _negated=True), models.Q(('global_user_id', ''), ('wave__isnull', True)), _connector='OR'), name='code_available_is_free'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('published_at__isnull', True)), fields=['wave', 'id'], name='assignment_unpublished'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(fields=('campaign', 'global_user_id'), name='assignment_once'),
        ),
        migrations.AddConstraint(
            model_name='wavemarket',
            constraint=models.UniqueConstraint(fields=('wave', 'market'), name='wavemarket_once'),
        ),
        migrations.AddConstraint(
            model_name='wavemarket',
            constraint=models.CheckConstraint(condition=models.Q(('selected__lte', models.F('capacity'))), name='wavemarket_capacity'),
        ),
        migrations.RunSQL(ASSIGNMENTS_ARE_IMMUTABLE, ASSIGNMENTS_ARE_MUTABLE),
        migrations.RunSQL(STATE_FOLLOWED, STATE_NOT_FOLLOWED),
    ]
