from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0002_status_files_follow_their_waves'),
    ]

    operations = [
        migrations.AddField(
            model_name='wave',
            name='candidates_key',
            field=models.CharField(blank=True, help_text="The record of that attempt's candidates", max_length=300),
        ),
        migrations.RunSQL(
            """UPDATE waves_wave w SET candidates_key =
                   'wavePrep/' || c.campaign_id || '/prepped/candidates.' || w.date_key || '.parquet'
               FROM campaigns_campaign c WHERE c.id = w.campaign_id AND w.zip_key <> ''""",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name='wave',
            name='zip_key',
            field=models.CharField(blank=True, help_text='The zip that counts: that of one attempt', max_length=300),
        ),
    ]
