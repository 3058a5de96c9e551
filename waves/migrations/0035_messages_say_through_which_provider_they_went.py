"""Each message names the provider of its last attempt: what that one may have accepted goes through
no other. [N-9]
"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0034_codes_are_sent_again'),
    ]

    operations = [
        migrations.AddField(
            model_name='rehearsalsend',
            name='provider',
            field=models.CharField(blank=True, db_default='', help_text="Account of the last attempt's provider", max_length=40),
        ),
        migrations.AddField(
            model_name='resend',
            name='provider',
            field=models.CharField(blank=True, db_default='', help_text="Account of the last attempt's provider", max_length=40),
        ),
        migrations.AddField(
            model_name='send',
            name='provider',
            field=models.CharField(blank=True, db_default='', help_text="Account of the last attempt's provider", max_length=40),
        ),
    ]
