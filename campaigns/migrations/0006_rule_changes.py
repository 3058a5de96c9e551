"""Whether a wave holds a campaign is asked of the waves; changes of an open campaign's rules are
listed. [S-13, S-16]
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0005_dates_lie_in_allowed_years'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveField(model_name='campaign', name='frozen'),
        migrations.CreateModel(
            name='RuleChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('market_id', models.CharField(blank=True, max_length=40)),
                ('option', models.CharField(max_length=60)),
                ('before', models.TextField(blank=True)),
                ('after', models.TextField(blank=True)),
                ('reason', models.TextField()),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rule_changes', to='campaigns.campaign')),
            ],
            options={'ordering': ['id']},
        ),
        migrations.AddConstraint(
            model_name='rulechange',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='rulechange_says_why'),
        ),
    ]
