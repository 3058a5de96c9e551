"""Who was selected, as the verdict queue was told. [T-4]"""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0025_quiet_hours_of_campaigns'),
        ('waves', '0041_suppressed_contacts_are_sieved'),
    ]

    operations = [
        migrations.CreateModel(
            name='Selection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('global_user_id', models.TextField()),
                ('code', models.CharField(max_length=64)),
                ('event_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text="The market's, when it was told last", size=None)),
                ('version', models.PositiveIntegerField(db_default=1, default=1, help_text='How many messages there were')),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('saved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='selections', to='campaigns.campaign')),
                ('market', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.market')),
            ],
            options={
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('global_user_id', 'campaign'), name='selection_once'), models.UniqueConstraint(django.db.models.functions.text.Upper('code'), name='selection_of_a_code')],
            },
        ),
    ]
