"""What a completed wave still has to send can be paused, resumed and cancelled. [N-6]"""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0024_languages_of_fans'),
        ('waves', '0027_emails_are_sent_from_their_own_rows'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='wave',
            name='queue',
            field=models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('cancelled', 'Cancelled')], db_default='running', default='running', editable=False, help_text='Of a completed wave: whether what it still has to send is sent [N-6]', max_length=9),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(('queue', 'running'), ('state', 'completed'), _connector='OR'), name='wave_queue_is_stopped_after_completion'),
        ),
    ]
