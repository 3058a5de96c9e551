from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0007_same_bytes_under_other_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CorrectedRegistration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.BigIntegerField()),
                ('corrected_line', models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='registrationimport',
            name='import_once',
        ),
        migrations.AddField(
            model_name='registrationimport',
            name='columns',
            field=models.JSONField(default=list, help_text='All columns, as the file spells them'),
        ),
        migrations.AddField(
            model_name='registrationimport',
            name='corrects',
            field=models.ForeignKey(blank=True, help_text='The registration file whose rejected rows it corrects', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='campaigns.registrationimport'),
        ),
        migrations.AddConstraint(
            model_name='registrationimport',
            constraint=models.UniqueConstraint(fields=('campaign', 'sha256', 'corrects'), name='import_once', nulls_distinct=False),
        ),
        migrations.AddField(
            model_name='correctedregistration',
            name='registration_import',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='corrected_rows', to='campaigns.registrationimport'),
        ),
        migrations.AddConstraint(
            model_name='correctedregistration',
            constraint=models.UniqueConstraint(fields=('registration_import', 'corrected_line'), name='corrected_once'),
        ),
    ]
