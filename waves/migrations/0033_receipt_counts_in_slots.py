"""Requests that count at the same time do not wait for each other. [N-3]"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0032_messages_are_counted_by_blocks'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='receiptcount',
            name='receiptcount_once',
        ),
        migrations.AddField(
            model_name='receiptcount',
            name='slot',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name='receiptcount',
            constraint=models.UniqueConstraint(fields=('provider', 'day', 'result', 'slot'), name='receiptcount_once'),
        ),
    ]
