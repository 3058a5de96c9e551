"""Streams have shards, and positions of as many digits as Kinesis counts. [T-1]"""

import operations.database.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datalake', '0011_dead_messages_are_found'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='checkpoint',
            name='checkpoint_once',
        ),
        migrations.AddField(
            model_name='checkpoint',
            name='ended',
            field=models.BooleanField(default=False, help_text='The shard was split or merged, and everything in it is consumed'),
        ),
        migrations.AddField(
            model_name='checkpoint',
            name='shard',
            field=models.CharField(blank=True, default='', help_text='Empty where a stream has one order', max_length=128),
        ),
        migrations.AddField(
            model_name='streambatch',
            name='handed_over',
            field=models.JSONField(blank=True, help_text='Where its last records are in a stream outside the database: shard → position', null=True),
        ),
        migrations.AlterField(
            model_name='checkpoint',
            name='begun',
            field=operations.database.fields.PositionField(default=0, help_text='Last position of the batches in hand, if it is greater'),
        ),
        migrations.AlterField(
            model_name='checkpoint',
            name='position',
            field=operations.database.fields.PositionField(default=0),
        ),
        migrations.AlterField(
            model_name='claim',
            name='first',
            field=operations.database.fields.PositionField(default=0),
        ),
        migrations.AlterField(
            model_name='claim',
            name='last',
            field=operations.database.fields.PositionField(default=0),
        ),
        migrations.AlterField(
            model_name='claim',
            name='source',
            field=models.CharField(help_text="A stream's name, STREAM/SHARD, file:KEY, or queue:NAME", max_length=1100),
        ),
        migrations.AlterField(
            model_name='deadletter',
            name='position',
            field=operations.database.fields.PositionField(),
        ),
        migrations.AlterField(
            model_name='deadletter',
            name='source',
            field=models.CharField(help_text="A stream's name, STREAM/SHARD, file:KEY, or queue:NAME", max_length=1100),
        ),
        migrations.AddConstraint(
            model_name='checkpoint',
            constraint=models.UniqueConstraint(fields=('consumer', 'stream', 'shard'), name='checkpoint_once'),
        ),
    ]
