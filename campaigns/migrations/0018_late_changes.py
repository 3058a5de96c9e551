"""What comes after luck could be known is late. Of campaigns that were drawn before this was kept:
the first draw, and the active file as the one that was named. [S-8]
"""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


DRAWN_BEFORE = """
UPDATE campaigns_campaign AS campaign
SET first_drawn_at = drawn.at, named_score_file_id = campaign.active_score_file_id
FROM (
    SELECT campaign_id, min(streamed_at) AS at FROM campaigns_scorefile GROUP BY campaign_id
) AS drawn
WHERE drawn.campaign_id = campaign.id AND drawn.at IS NOT NULL"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0017_suspicious_groups'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LateChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text="Among the campaign's late changes, public")),
                ('kind', models.CharField(choices=[('score_file', 'Score file'), ('activation', 'Active score file'), ('lists', 'Lists'), ('registrations', 'Registrations'), ('wave_rules', 'Rules of one wave')], max_length=20)),
                ('subject', models.CharField(max_length=200)),
                ('reason', models.TextField()),
                ('details', models.JSONField(blank=True, default=dict)),
                ('moved', models.PositiveBigIntegerField(blank=True, help_text='Fans it moved; not known while its file is processed', null=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.AlterModelOptions(
            name='campaign',
            options={'ordering': ['-id'], 'permissions': [('process_scores', 'Can upload and process score files'), ('activate_scores', 'Can choose the active score file'), ('import_registrations', 'Can import registrations'), ('late_scores', 'Can take in score files after luck could be known'), ('late_activation', 'Can switch the active score file after luck could be known'), ('late_lists', 'Can change lists after luck could be known'), ('late_registrations', 'Can take in registrations after luck could be known'), ('enter_entropy', 'Can enter the public random value'), ('move_entropy_source', 'Can move the public source of an open campaign once'), ('view_personal_data', 'Can see e-mail addresses, phone numbers and codes'), ('export_personal_data', 'Can download files that hold personal data')]},
        ),
        migrations.AddField(
            model_name='arrival',
            name='reason',
            field=models.TextField(blank=True, help_text='Why it is taken in late'),
        ),
        migrations.AddField(
            model_name='arrival',
            name='taken_by',
            field=models.ForeignKey(blank=True, help_text='Who takes it in late', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='campaign',
            name='first_drawn_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='When the first rows were drawn', null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='named_score_file',
            field=models.ForeignKey(blank=True, editable=False, help_text='The file that will be active, named before luck could be known', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.scorefile'),
        ),
        migrations.AddField(
            model_name='rankfile',
            name='reason',
            field=models.TextField(blank=True, help_text='Why it is taken in late'),
        ),
        migrations.AddField(
            model_name='scorefile',
            name='late',
            field=models.BooleanField(default=False, help_text='Received after luck could be known: it becomes active by hand'),
        ),
        migrations.AddConstraint(
            model_name='scorefile',
            constraint=models.CheckConstraint(condition=models.Q(('late', False), ('activate_when_streamed', False), _connector='OR'), name='scorefile_late_is_active_by_hand'),
        ),
        migrations.AddField(
            model_name='latechange',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='latechange',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='late_changes', to='campaigns.campaign'),
        ),
        migrations.AddConstraint(
            model_name='latechange',
            constraint=models.UniqueConstraint(fields=('campaign', 'number'), name='latechange_number'),
        ),
        migrations.AddConstraint(
            model_name='latechange',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='latechange_says_why'),
        ),
        migrations.RunSQL(DRAWN_BEFORE, migrations.RunSQL.noop),
    ]
