"""The whole wave sent to a recording provider, with rows and keys of its own. [X-6]"""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0020_members_without_a_market_and_reassigned_ones'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Rehearsal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text='The content that is rehearsed', max_length=64)),
                ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('stopped', 'Stopped')], default='running', max_length=8)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('has_rows', models.BooleanField(default=False, help_text='Its messages are made')),
                ('ended', models.CharField(blank=True, help_text='Why it was stopped', max_length=300)),
                ('per_second', models.FloatField(default=0)),
                ('total', models.BigIntegerField(default=0)),
                ('ok', models.BigIntegerField(default=0)),
                ('failed', models.BigIntegerField(default=0)),
                ('skipped', models.BigIntegerField(default=0)),
                ('unknown', models.BigIntegerField(default=0)),
                ('pending', models.BigIntegerField(default=0)),
                ('detail', models.JSONField(default=dict)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('wave', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rehearsals', to='waves.wave')),
            ],
        ),
        migrations.CreateModel(
            name='RehearsalSend',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('sms', 'SMS'), ('email', 'e-mail')], max_length=5)),
                ('key', models.UUIDField(help_text='Of its own: never that of the real message', unique=True)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('unknown', 'Unknown'), ('delivered', 'Delivered'), ('undeliverable', 'Undeliverable')], default='pending', max_length=14)),
                ('reason', models.CharField(blank=True, max_length=60)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(blank=True, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('claim', models.UUIDField(blank=True, null=True)),
                ('maybe_accepted', models.BooleanField(db_default=False, default=False)),
                ('provider_id', models.CharField(blank=True, help_text='Begin of the SHA-256 of the recorded text', max_length=80)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('member', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='waves.member')),
                ('rehearsal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sends', to='waves.rehearsal')),
            ],
            options={
                'verbose_name': 'rehearsed message',
            },
        ),
        migrations.AddConstraint(
            model_name='rehearsal',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('wave',), name='rehearsal_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='rehearsal',
            constraint=models.CheckConstraint(condition=models.Q(('total', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('ok'), '+', models.F('failed')), '+', models.F('skipped')), '+', models.F('unknown')), '+', models.F('pending')))), name='rehearsal_adds_up'),
        ),
        migrations.AddIndex(
            model_name='rehearsalsend',
            index=models.Index(condition=models.Q(('state__in', ['pending', 'sending'])), fields=['rehearsal', 'channel', 'id'], name='rehearsalsend_open'),
        ),
        migrations.AddConstraint(
            model_name='rehearsalsend',
            constraint=models.UniqueConstraint(fields=('rehearsal', 'member', 'channel'), name='rehearsalsend_once'),
        ),
    ]
