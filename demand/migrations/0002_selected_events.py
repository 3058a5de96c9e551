"""The events that fans were selected for. [T-4]"""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('demand', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='SelectedEvents',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('global_user_id', models.TextField(unique=True)),
                ('by_campaign', models.JSONField(help_text='Campaign id → its events')),
                ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='The events of all of them', size=None)),
                ('version', models.BigIntegerField(default=1, help_text='Counts the changes')),
                ('written_version', models.BigIntegerField(db_default=0, default=0, help_text='The last one that is in DynamoDB')),
                ('written_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], default=list, help_text='The events that may be there', size=None)),
                ('try_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it is written, or tried again after it was refused')),
                ('error', models.TextField(blank=True, db_default='', help_text='Why DynamoDB refused it')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'selected events',
                'verbose_name_plural': 'selected events',
                'default_permissions': ('view',),
                'indexes': [models.Index(condition=models.Q(('written_version__lt', models.F('version'))), fields=['try_at', 'id'], name='demand_selected_unwritten')],
                'constraints': [models.CheckConstraint(condition=models.Q(('written_version__lte', models.F('version'))), name='demand_selected_written_is_known')],
            },
        ),
    ]
