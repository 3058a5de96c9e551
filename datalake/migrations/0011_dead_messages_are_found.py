"""Messages of queues that became dead letters are found. [T-4]"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datalake', '0010_queries_in_sql'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='queuemessage',
            index=models.Index(condition=models.Q(('state', 'dead')), fields=['id'], name='queuemessage_dead'),
        ),
    ]
