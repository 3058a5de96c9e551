"""A public source is named with the time of its value, may be moved once, and the time of the
value's entry is kept. [S-8]
"""

import django.db.models.deletion
import operations.entry.validators
from django.conf import settings
from django.db import migrations, models

# Closed campaigns have their time of entry in their history.
TIMES_OF_ENTRY = """
UPDATE campaigns_campaign c SET entropy_entered_at = coalesce((
    SELECT min(at) FROM operations_statuschange
    WHERE subject_kind = 'campaign' AND subject_id = c.campaign_id AND to_state = 'value entered'
), opened_at, created_at) WHERE entropy_value <> '';
"""
DRAW_IS_LOCKED = """
CREATE OR REPLACE FUNCTION campaigns_draw_is_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seed IS NULL THEN
        RETURN NEW;
    END IF;
    IF (OLD.seed, OLD.salt, OLD.commitment, OLD.salt_commitment, OLD.draw_scheme, OLD.draw_supplied)
            IS DISTINCT FROM (NEW.seed, NEW.salt, NEW.commitment, NEW.salt_commitment,
            NEW.draw_scheme, NEW.draw_supplied) THEN
        RAISE EXCEPTION 'The draw of campaign % is locked: seed, salt, commitments and scheme cannot'
            ' change', OLD.campaign_id USING ERRCODE = 'restrict_violation';
    END IF;
    -- once, before its time, to a time to come, and what it was is kept
    IF (OLD.entropy_source, OLD.entropy_chain, OLD.entropy_round, OLD.entropy_form,
            OLD.entropy_public_at) IS DISTINCT FROM (NEW.entropy_source, NEW.entropy_chain,
            NEW.entropy_round, NEW.entropy_form, NEW.entropy_public_at)
        AND NOT (OLD.entropy_public_at > clock_timestamp()
            AND NEW.entropy_public_at > clock_timestamp()
            AND EXISTS (SELECT FROM campaigns_sourcemove m WHERE m.campaign_id = OLD.id
                AND (m.source, m.chain, m.round, m.form, m.public_at) IS NOT DISTINCT FROM
                    (OLD.entropy_source, OLD.entropy_chain, OLD.entropy_round, OLD.entropy_form,
                    OLD.entropy_public_at))) IS TRUE THEN
        RAISE EXCEPTION 'The draw of campaign % is locked: its public source moves once, before its'
            ' time', OLD.campaign_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.entropy_value <> '' AND (NEW.entropy_value, NEW.entropy_entered_at) IS DISTINCT FROM
            (OLD.entropy_value, OLD.entropy_entered_at) THEN
        RAISE EXCEPTION 'The public value of campaign % was entered already', OLD.campaign_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sourcemove_is_kept BEFORE UPDATE OR DELETE ON campaigns_sourcemove
    FOR EACH ROW EXECUTE FUNCTION operations_refuse('a moved source is kept as it was');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0014_rejected_rows_are_found_by_columns'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SourceMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=200)),
                ('chain', models.CharField(blank=True, max_length=64)),
                ('round', models.PositiveBigIntegerField(blank=True, null=True)),
                ('form', models.CharField(max_length=200)),
                ('public_at', models.DateTimeField()),
                ('reason', models.TextField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AlterModelOptions(
            name='campaign',
            options={'ordering': ['-id'], 'permissions': [('process_scores', 'Can upload and process score files'), ('activate_scores', 'Can choose the active score file'), ('import_registrations', 'Can import registrations'), ('enter_entropy', 'Can enter the public random value'), ('move_entropy_source', 'Can move the public source of an open campaign once'), ('view_personal_data', 'Can see e-mail addresses, phone numbers and codes'), ('export_personal_data', 'Can download files that hold personal data')]},
        ),
        migrations.AddField(
            model_name='campaign',
            name='entropy_chain',
            field=models.CharField(blank=True, editable=False, help_text='Hash of the drand chain', max_length=64),
        ),
        migrations.AddField(
            model_name='campaign',
            name='entropy_entered_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='entropy_form',
            field=models.CharField(blank=True, help_text='How its value is written, so that it can be entered in one way only. Leave this empty for a drand round.', max_length=200),
        ),
        migrations.AddField(
            model_name='campaign',
            name='entropy_public_at',
            field=models.DateTimeField(blank=True, help_text='When its value becomes public. Leave this empty for a drand round', null=True, validators=[operations.entry.validators.year_is_allowed]),
        ),
        migrations.AddField(
            model_name='campaign',
            name='entropy_round',
            field=models.PositiveBigIntegerField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='campaign',
            name='entropy_source',
            field=models.CharField(blank=True, help_text='A future public value, such as drand round 9551234. Without one, anyone who can read the database can know the luck of every fan before the draw.', max_length=200),
        ),
        migrations.RunSQL(TIMES_OF_ENTRY, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entropy_chain', ''), ('entropy_round', None)), models.Q(models.Q(('entropy_chain', ''), _negated=True), models.Q(('entropy_source', ''), _negated=True), ('entropy_round__gte', 1)), _connector='OR'), name='campaign_round_is_of_a_chain'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('entropy_public_at', None), ('entropy_source', '')), models.Q(('draw_supplied', True), ('entropy_public_at', None)), ('draw_scheme', 1), models.Q(models.Q(('entropy_source', ''), _negated=True), models.Q(('entropy_public_at', None), _negated=True), ('entropy_public_at__gt', models.F('opened_at'))), _connector='OR'), name='campaign_source_was_to_come'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entropy_entered_at', None), ('entropy_value', '')), models.Q(models.Q(('entropy_value', ''), _negated=True), models.Q(('entropy_source', ''), _negated=True), models.Q(('entropy_entered_at', None), _negated=True)), _connector='OR'), name='campaign_value_has_its_time'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('entropy_entered_at__gte', models.F('entropy_public_at'))), name='campaign_value_was_public'),
        ),
        migrations.AddField(
            model_name='sourcemove',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sourcemove',
            name='campaign',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='source_move', to='campaigns.campaign'),
        ),
        migrations.AddConstraint(
            model_name='sourcemove',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='sourcemove_says_why'),
        ),
        migrations.RunSQL(DRAW_IS_LOCKED, "DROP TRIGGER sourcemove_is_kept ON campaigns_sourcemove"),
    ]
