from django.db import migrations, models

# What an earlier fault left: a worker that was taken over cleared the rows that were to be streamed,
# and the file ended with fewer records than accepted rows, or with the digest of an empty roster.
# Which ones are missing is not known any more, so nothing may be selected from such a file.
INCOMPLETE = """
CREATE TEMPORARY TABLE incomplete ON COMMIT DROP AS
    SELECT id, format('%s rows were accepted, but %s were streamed, and the roster and the CSV may be'
        ' incomplete%s. Upload the file again.', accepted, streamed,
        CASE WHEN roster_digest = '' THEN '' ELSE format(' (roster digest %s)', roster_digest) END)
        AS error
    FROM campaigns_scorefile
    WHERE (state IN ('streamed', 'saved') AND streamed <> accepted) OR (accepted > 0
        AND roster_digest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
UPDATE campaigns_campaign SET active_score_file_id = NULL
WHERE active_score_file_id IN (SELECT id FROM incomplete);
UPDATE campaigns_scorefile AS file SET state = 'failed', error = incomplete.error, roster_digest = ''
FROM incomplete WHERE file.id = incomplete.id;
DROP TABLE incomplete;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='scorefile',
            name='roster_size',
            field=models.BigIntegerField(default=0, help_text='Rows that the roster lists'),
        ),
        migrations.RunSQL(INCOMPLETE, migrations.RunSQL.noop),
        migrations.RunSQL(
            "UPDATE campaigns_scorefile SET roster_size = accepted WHERE roster_digest <> ''",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.CheckConstraint(condition=models.Q(('roster_digest', ''), ('roster_size', models.F('accepted')), _connector='OR'), name='scorefile_roster_lists_all'),
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['streamed', 'saved']), _negated=True), ('streamed', models.F('accepted')), _connector='OR'), name='scorefile_streamed_all'),
        ),
    ]
