"""Messages of queues: those of the database, and what is to be handed over to SQS. [T-4]"""

from __future__ import annotations

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datalake', '0003_claims_are_found_by_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='QueueMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(max_length=40)),
                ('key', models.CharField(help_text='What it is, made by the sender: put again, it stays one', max_length=128)),
                ('group', models.CharField(blank=True, help_text='On a FIFO queue: those of one group keep their order', max_length=128)),
                ('body', models.TextField(help_text='JSON')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('dead', 'Dead')], default='waiting', max_length=8)),
                ('receives', models.PositiveIntegerField(db_default=0, default=0, help_text='How often it was received')),
                ('visible_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Received, it comes again from this time on')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('settled_at', models.DateTimeField(blank=True, help_text='When it was acknowledged or handed over, or became a dead letter', null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['queue', 'id'], name='queuemessage_waiting'), models.Index(fields=['settled_at'], name='queuemessage_settled_at')],
                'constraints': [models.UniqueConstraint(fields=('queue', 'key'), name='queuemessage_once'), models.CheckConstraint(condition=models.Q(models.Q(('settled_at', None), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('settled_at__isnull', False)), _connector='OR'), name='queuemessage_settled')],
            },
        ),
    ]
