"""Statistics and success metrics, and what is counted for them."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from operations.database.tables import CreateModels

# Registrants are counted by the transactions that change them: a row for each statement, never an
# update of one that others wait for. Of a statement that adds or deletes registrants PostgreSQL hands
# over all rows at once; of one that changes them only those whose phone was confirmed, or is not any
# more, call the function: any other change costs nothing. [O-3]
REGISTRANTS_ARE_COUNTED = """
CREATE FUNCTION stats_registrants_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
    SELECT campaign_id, count(*), count(*) FILTER (WHERE phone_confirmed)
    FROM added GROUP BY campaign_id;
    RETURN NULL;
END $$;
CREATE FUNCTION stats_registrants_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
    SELECT campaign_id, -count(*), -count(*) FILTER (WHERE phone_confirmed)
    FROM deleted GROUP BY campaign_id;
    RETURN NULL;
END $$;
CREATE FUNCTION stats_registrant_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
    VALUES (NEW.campaign_id, 0, CASE WHEN NEW.phone_confirmed THEN 1 ELSE -1 END);
    RETURN NULL;
END $$;
CREATE TRIGGER registrants_added_are_counted AFTER INSERT ON campaigns_registrant
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION stats_registrants_added();
CREATE TRIGGER registrants_deleted_are_counted AFTER DELETE ON campaigns_registrant
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION stats_registrants_deleted();
CREATE TRIGGER registrants_confirmed_are_counted
    AFTER UPDATE OF phone_confirmed ON campaigns_registrant
    FOR EACH ROW WHEN (OLD.phone_confirmed IS DISTINCT FROM NEW.phone_confirmed)
    EXECUTE FUNCTION stats_registrant_confirmed();
"""
REGISTRANTS_ARE_NOT_COUNTED = """
DROP TRIGGER registrants_added_are_counted ON campaigns_registrant;
DROP TRIGGER registrants_deleted_are_counted ON campaigns_registrant;
DROP TRIGGER registrants_confirmed_are_counted ON campaigns_registrant;
DROP FUNCTION stats_registrants_added();
DROP FUNCTION stats_registrants_deleted();
DROP FUNCTION stats_registrant_confirmed();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('campaigns', '0001_initial'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='RegistrantCount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.campaign')),
                    ('registered', models.BigIntegerField()),
                    ('confirmed', models.BigIntegerField(help_text='Of them, with a confirmed phone')),
                ],
                options={
                    'default_permissions': (),
                },
            ),
            migrations.CreateModel(
                name='KeptCount',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(help_text='Such as wave 12', max_length=80, unique=True)),
                    ('state', models.CharField(help_text='Of what is counted: in another one, it is counted at once', max_length=40)),
                    ('figures', models.JSONField()),
                    ('seconds', models.FloatField(help_text='How long counting took')),
                    ('unchanged', models.PositiveIntegerField(default=0, help_text='How often in a row it found the same')),
                    ('counted_at', models.DateTimeField()),
                ],
                options={
                    'default_permissions': (),
                },
            ),
            migrations.CreateModel(
                name='Snapshot',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snapshots', to='campaigns.campaign', db_index=False)),
                    ('at', models.DateTimeField(help_text='A multiple of five minutes')),
                    ('until', models.DateTimeField()),
                    ('registered', models.BigIntegerField()),
                    ('confirmed', models.BigIntegerField(help_text='Registered, with a confirmed phone')),
                    ('scored', models.BigIntegerField(help_text='Rows of the active score file')),
                    ('accepted', models.BigIntegerField()),
                    ('rejected', models.BigIntegerField()),
                    ('rejected_by', models.JSONField(help_text='Rejected rows by reason')),
                    ('bands', models.JSONField(help_text='Accepted rows by band')),
                    ('wanted', models.JSONField(help_text='Accepted fans by the markets they prefer; one who prefers none wants any')),
                    ('selected', models.JSONField(help_text='Fans selected by waves, by market')),
                    ('codes', models.JSONField(help_text='Access codes: free, reserved, assigned')),
                    ('messages', models.JSONField(help_text='By channel: sent, failed, delivered and more')),
                ],
                options={
                    'verbose_name': 'statistics',
                    'verbose_name_plural': 'statistics',
                    'default_permissions': ('view',),
                    'constraints': [
                        models.UniqueConstraint(fields=('campaign', 'at'), name='snapshot_once'),
                        models.CheckConstraint(condition=models.Q(('until__gte', models.F('at'))), name='snapshot_lasts'),
                        models.CheckConstraint(condition=models.Q(('scored', django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('rejected')))), name='snapshot_ledger'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SlackReport',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('campaign', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='campaigns.campaign')),
                    ('figures', models.JSONField(default=dict)),
                    ('at', models.DateTimeField(null=True)),
                ],
                options={
                    'default_permissions': (),
                },
            ),
            migrations.CreateModel(
                name='Summary',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('of', models.CharField(choices=[('wave', 'Wave'), ('merge', 'Merge')], max_length=10)),
                    ('number', models.BigIntegerField(help_text='The key of the wave or merge')),
                    ('at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'default_permissions': (),
                    'constraints': [
                        models.UniqueConstraint(fields=('of', 'number'), name='summary_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Metric',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=40, unique=True)),
                    ('value', models.FloatField(help_text='None: there was nothing to measure', null=True)),
                    ('samples', models.BigIntegerField(default=0)),
                    ('measured_at', models.DateTimeField()),
                    ('missed_since', models.DateTimeField(null=True)),
                    ('alerted_at', models.DateTimeField(help_text='When its miss alerted last', null=True)),
                    ('alerted_value', models.FloatField(help_text='What it was then', null=True)),
                ],
                options={
                    'verbose_name': 'success metric',
                    'default_permissions': ('view',),
                },
            ),
        ]),
        migrations.RunSQL(REGISTRANTS_ARE_COUNTED, REGISTRANTS_ARE_NOT_COUNTED),
    ]
