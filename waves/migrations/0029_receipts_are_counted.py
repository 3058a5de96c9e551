"""What providers post without an effect is counted. [N-3]"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0028_queues_of_completed_waves_can_be_stopped'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReceiptCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=40)),
                ('day', models.DateField()),
                ('result', models.CharField(choices=[('applied', 'Recorded'), ('repeated', 'Repeated'), ('late', 'Contradicts a later one'), ('unknown_message', 'For an unknown message'), ('never_sent', 'For a message that was never sent'), ('text_received', 'Text messages received'), ('ignored', 'Not about a delivery'), ('refused', 'Unreadable'), ('forged', 'Not signed by the provider')], max_length=20)),
                ('number', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'day', 'result'), name='receiptcount_once')],
            },
        ),
    ]
