import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0006_supplements_ranks_and_reports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RankFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('key', models.CharField(help_text='Object key in the scoring bucket', max_length=300)),
                ('sha256', models.CharField(max_length=64)),
                ('bytes', models.BigIntegerField(default=0)),
                ('formula', models.CharField(choices=[('linear', 'Linear'), ('percentile', 'Percentile')], help_text="The campaign's when the file came", max_length=10)),
                ('activate', models.BooleanField(default=True, help_text='Let its score file count as soon as it is through')),
                ('counts', models.JSONField(default=dict, help_text='records, malformed, invalid_ranks, fans, max_rank')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('fanlist', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rank_files', to='campaigns.fanlist')),
                ('score_file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rank_files', to='campaigns.scorefile')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddConstraint(
            model_name='rankfile',
            constraint=models.UniqueConstraint(fields=('fanlist', 'sha256', 'formula'), name='rankfile_once'),
        ),
    ]
