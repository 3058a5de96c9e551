from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('operations', '0003_heartbeats')]

    operations = [
        migrations.AlterField(
            model_name='job',
            name='retries',
            field=models.PositiveIntegerField(default=0, help_text='How often that happened'),
        ),
        migrations.AddField(
            model_name='job',
            name='deaths',
            field=models.PositiveIntegerField(
                default=0, help_text='How often it was taken over from a worker that died or hung'
            ),
        ),
    ]
