"""A member carries its wave's liveness by a foreign key; no trigger keeps flags any more. [K-6,
S-13] A wave's markets say how many seats were given before it, and how many it could fill. [W-5]
A wave keeps the minimum that it was prepared by. [S-16]
"""

from django.db import migrations, models
from django.db.models import F, Q

NO_FLAGS_BY_TRIGGER = """
DROP TRIGGER IF EXISTS wave_state_is_felt ON waves_wave;
DROP FUNCTION IF EXISTS waves_state_is_felt();
"""
UNSENT = "('configured', 'code_generated', 'prepared', 'approved', 'scheduled', 'held')"
# A wave that fails here can be prepared again, and what others read of it goes with the next sweep.
FAILED = """state = 'failed', attempts = 0, selected = 0, zip_key = '', candidates_key = '',
    status_content = '', status_stored = false, approved_by_id = NULL, approved_at = NULL,
    approved_digest = '', waiver = '', scheduled_at = NULL"""
# found by the migration before, when their state could not be changed yet
OF_OTHER_YEARS = f"""
UPDATE waves_wave SET {FAILED} WHERE error LIKE 'The notify date was %' AND state IN {UNSENT};
"""
# The flags that a trigger kept went wrong when two waves moved at once, and a fan could come into
# two. One that was not sent yet fails, the later of two such: its next attempt selects others. Of
# two that were sent, only a person knows which one counts.
OF_TWO_WAVES = f"""
DO $$
DECLARE pair record; unsent record; twice bigint;
BEGIN
    CREATE TEMPORARY TABLE doubles ON COMMIT DROP AS
        SELECT one.wave_id, other.wave_id AS other_id, count(*) AS fans
        FROM waves_member AS one
        JOIN waves_member AS other ON other.campaign_id = one.campaign_id
            AND other.global_user_id = one.global_user_id AND other.wave_id <> one.wave_id
        GROUP BY one.wave_id, other.wave_id;
    SELECT wave.name, other.name AS other_name, doubles.fans INTO pair FROM doubles
        JOIN waves_wave AS wave ON wave.id = doubles.wave_id
        JOIN waves_wave AS other ON other.id = doubles.other_id AND other.id > wave.id
        WHERE wave.state IN ('triggered', 'paused', 'completed')
            AND other.state IN ('triggered', 'paused', 'completed')
        ORDER BY wave.id, other.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Waves % and % were both sent, and % of their members are the same fans.'
            ' Set the state of one of them to ''cancelled'' in waves_wave, then migrate again.',
            pair.name, pair.other_name, pair.fans;
    END IF;
    FOR unsent IN SELECT id FROM waves_wave WHERE state IN {UNSENT} ORDER BY id LOOP
        SELECT sum(doubles.fans) INTO twice FROM doubles
            JOIN waves_wave AS other ON other.id = doubles.other_id
            WHERE doubles.wave_id = unsent.id AND other.state NOT IN ('cancelled', 'failed')
                AND (other.id < unsent.id OR other.state NOT IN {UNSENT});
        UPDATE waves_wave SET {FAILED}, error = format('%s of its members are members of another'
            ' wave too. Prepare it again.', twice)
        WHERE id = unsent.id AND twice > 0;
    END LOOP;
    DROP TABLE doubles;
END $$;
"""
# As after any failed attempt: else they would be members again with the next one.
OF_THE_FAILED = """
DELETE FROM waves_member USING waves_wave
WHERE waves_wave.id = waves_member.wave_id AND waves_wave.state = 'failed';
SET CONSTRAINTS ALL IMMEDIATE;
"""
# Row by row, as an index is asked: whom one wave lets go before another one holds them.
AS_THE_WAVES_ARE = [
    f"""UPDATE waves_member SET wave_live = {live} FROM waves_wave AS wave
    WHERE wave.id = waves_member.wave_id AND wave.live = {live} AND wave_live <> {live}"""
    for live in ('false', 'true')
]
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
        migrations.RunSQL([OF_OTHER_YEARS, OF_TWO_WAVES, OF_THE_FAILED], migrations.RunSQL.noop),
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
