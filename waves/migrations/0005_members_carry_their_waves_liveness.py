"""A member carries its wave's liveness by a foreign key; no trigger keeps flags any more. [K-6,
S-13] A wave's markets say how many seats were given before it, and how many it could fill. [W-5]
A wave keeps the minimum that it was prepared by. [S-16]
"""

from django.db import migrations, models
from django.db.models import F, Q

NO_FLAGS_BY_TRIGGER = """
DROP TRIGGER wave_state_is_felt ON waves_wave;
DROP FUNCTION waves_state_is_felt();
"""
# found by the migration before, when their state could not be changed yet
OF_OTHER_YEARS = """
UPDATE waves_wave SET state = 'failed' WHERE error LIKE 'The notify date was %'
    AND state IN ('configured', 'code_generated', 'prepared', 'approved', 'scheduled', 'held');
"""
# The flags that a trigger kept went wrong when two waves moved at once, and a fan could come into
# two. The later wave fails where it was not sent yet; its next attempt selects others.
OF_TWO_WAVES = """
UPDATE waves_wave AS later SET state = 'failed', error = format('%s of its members are members of an'
    ' earlier wave too. Prepare it again.', twice.fans)
FROM (
    SELECT later.wave_id, count(*) AS fans
    FROM waves_member AS later
    JOIN waves_member AS earlier ON earlier.campaign_id = later.campaign_id
        AND earlier.global_user_id = later.global_user_id AND earlier.wave_id < later.wave_id
    JOIN waves_wave AS wave ON wave.id = earlier.wave_id AND wave.state NOT IN ('cancelled', 'failed')
    GROUP BY later.wave_id
) AS twice
WHERE twice.wave_id = later.id
    AND later.state IN ('configured', 'code_generated', 'prepared', 'approved', 'scheduled', 'held');
"""
AS_THE_WAVES_ARE = """
UPDATE waves_member SET wave_live = waves_wave.live FROM waves_wave
WHERE waves_wave.id = waves_member.wave_id AND wave_live IS DISTINCT FROM waves_wave.live;
"""
LIVENESS = """
ALTER TABLE waves_member ADD CONSTRAINT member_of_wave
    FOREIGN KEY (wave_id, campaign_id, wave_live) REFERENCES waves_wave (id, campaign_id, live)
    ON UPDATE CASCADE;
"""
# as the proofs read it until now
LEAST_SCORES = """
UPDATE waves_wave SET least_score = greatest(0.22, waves_wave.min_score, campaign.min_score)
FROM campaigns_campaign AS campaign
WHERE campaign.id = waves_wave.campaign_id AND score_file_id IS NOT NULL;
"""


class Migration(migrations.Migration):

    dependencies = [('waves', '0004_dates_lie_in_allowed_years')]

    operations = [
        migrations.RunSQL(NO_FLAGS_BY_TRIGGER, migrations.RunSQL.noop),
        migrations.RunSQL([OF_OTHER_YEARS, OF_TWO_WAVES], migrations.RunSQL.noop),
        migrations.AddField(
            model_name='wave',
            name='live',
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Q(('state__in', ['cancelled', 'failed']), _negated=True),
                help_text='Not cancelled and not failed: its members carry it by a foreign key [K-6]',
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddField(
            model_name='wave',
            name='least_score',
            field=models.FloatField(
                editable=False,
                help_text='The minimum that it was prepared by: the largest of all in force then [S-16]',
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.UniqueConstraint(
                fields=('id', 'campaign', 'live'), name='wave_liveness'
            ),
        ),
        migrations.RemoveConstraint(model_name='member', name='member_in_one_live_wave'),
        migrations.RenameField(model_name='member', old_name='holds_fan', new_name='wave_live'),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(
                condition=models.Q(('wave_live', True)),
                fields=('campaign', 'global_user_id'),
                name='member_in_one_live_wave',
            ),
        ),
        migrations.AlterField(
            model_name='member',
            name='wave',
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=models.deletion.CASCADE,
                related_name='members',
                to='waves.wave',
            ),
        ),
        migrations.AlterField(
            model_name='member',
            name='campaign',
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=models.deletion.PROTECT,
                related_name='+',
                to='campaigns.campaign',
            ),
        ),
        migrations.RunSQL(AS_THE_WAVES_ARE, migrations.RunSQL.noop),
        migrations.RunSQL(LIVENESS, 'ALTER TABLE waves_member DROP CONSTRAINT member_of_wave'),
        migrations.RemoveConstraint(model_name='wavemarket', name='wavemarket_capacity'),
        migrations.AlterField(
            model_name='wavemarket',
            name='capacity',
            field=models.PositiveIntegerField(help_text='Seats of the market in the whole campaign'),
        ),
        migrations.AddField(
            model_name='wavemarket',
            name='given',
            field=models.PositiveIntegerField(default=0, help_text='Seats that were used already'),
        ),
        migrations.AddField(
            model_name='wavemarket',
            name='room',
            field=models.PositiveIntegerField(default=0, help_text='Seats that the wave could fill'),
            preserve_default=False,
        ),
        migrations.RunSQL(LEAST_SCORES, migrations.RunSQL.noop),
        migrations.RunSQL('UPDATE waves_wavemarket SET room = capacity', migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='wavemarket',
            constraint=models.CheckConstraint(
                condition=Q(selected__lte=F('room'), room__lte=F('capacity')),
                name='wavemarket_room',
            ),
        ),
    ]
