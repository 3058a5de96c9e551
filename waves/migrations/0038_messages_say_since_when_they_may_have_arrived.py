"""What a provider would not know again is not repeated. [N-4]"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0037_texts_and_objections_are_remembered'),
    ]

    operations = [
        migrations.AddField(
            model_name='rehearsalsend',
            name='key_used_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='resend',
            name='key_used_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='send',
            name='key_used_at',
            field=models.DateTimeField(blank=True, help_text='When the first attempt began that may have been accepted', null=True),
        ),
    ]
