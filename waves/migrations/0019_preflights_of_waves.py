"""What was checked of a wave before its approval, and who waived what. [X-6]"""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0018_uploaded_waves'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Preflight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text='The content that was checked', max_length=64)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('checks', models.JSONField(default=list, help_text='name, ok and detail of each line')),
                ('figures', models.JSONField(default=dict, help_text='Segments, cost and the rows of samples')),
                ('reds', models.PositiveSmallIntegerField(help_text='How many lines are red')),
                ('approved_at', models.DateTimeField(blank=True, null=True)),
                ('waiver', models.TextField(blank=True, help_text='Reason for approving in spite of red lines')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('waived_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preflights', to='waves.wave')),
            ],
            options={
                'verbose_name': 'pre-flight',
                'indexes': [models.Index(fields=['wave', '-id'], name='preflight_of_wave')],
                'constraints': [models.CheckConstraint(condition=models.Q(('approved_at', None), ('reds', 0), models.Q(('waived_by__isnull', False), models.Q(('waiver', ''), _negated=True)), _connector='OR'), name='preflight_red_is_waived_with_a_reason')],
            },
        ),
    ]
