from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('operations', '0002_history_is_kept'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='pace',
            field=models.JSONField(default=dict, help_text='Its step, and the last looks at its progress: operations.progress.Pace'),
        ),
    ]
