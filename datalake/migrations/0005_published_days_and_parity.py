"""What was published by day, and how database and lake compared last. [X-9]"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datalake', '0004_messages_of_queues'),
    ]

    operations = [
        migrations.CreateModel(
            name='ParityResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record_type', models.CharField(max_length=40)),
                ('period', models.CharField(help_text='2026-01-20, or 2026-01 for a month', max_length=10)),
                ('ok', models.BooleanField()),
                ('database_records', models.BigIntegerField()),
                ('lake_records', models.BigIntegerField()),
                ('database_hash', models.CharField(max_length=64)),
                ('lake_hash', models.CharField(max_length=64)),
                ('from_files', models.BigIntegerField(default=0)),
                ('tombstones', models.BigIntegerField(default=0)),
                ('files_read', models.BooleanField(default=False, help_text='The files themselves were read, not only their entries')),
                ('error', models.CharField(blank=True, help_text='A file that cannot be read', max_length=500)),
                ('checked_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PublishedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record_type', models.CharField(max_length=40)),
                ('day', models.DateField()),
                ('records', models.BigIntegerField(default=0)),
                ('content_hash', models.CharField(default='0000000000000000000000000000000000000000000000000000000000000000', max_length=64)),
                ('from_files', models.BigIntegerField(default=0, help_text='Of these, records of files that others put into the lake')),
                ('tombstones', models.BigIntegerField(default=0, help_text='Of these, records of fans who were erased since')),
            ],
        ),
        migrations.AddField(
            model_name='claim',
            name='is_counted',
            field=models.BooleanField(default=False, help_text='Of the lake: parity has counted what was published in it'),
        ),
        migrations.AddConstraint(
            model_name='parityresult',
            constraint=models.UniqueConstraint(fields=('record_type', 'period'), name='parityresult_once'),
        ),
        migrations.AddConstraint(
            model_name='publishedday',
            constraint=models.UniqueConstraint(fields=('record_type', 'day'), name='publishedday_once'),
        ),
    ]
