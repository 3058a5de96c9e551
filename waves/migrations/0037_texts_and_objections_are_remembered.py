"""What was acted on once is not acted on when it is posted again. [N-8]"""

from __future__ import annotations

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0036_messages_are_listed_by_what_became_of_them'),
    ]

    operations = [
        migrations.CreateModel(
            name='TakenReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=40)),
                ('reference', models.CharField(max_length=80)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'reference'), name='takenreport_once')],
            },
        ),
    ]
