from django.db import migrations, models


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
