"""What a wave's own file allowed in a market is kept beside its room: both are public. [W-5, S-8]"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("waves", "0006_doubles_say_what_to_do")]

    operations = [
        migrations.AddField(
            model_name="wavemarket",
            name="own_capacity",
            field=models.PositiveIntegerField(
                blank=True, help_text="The most that the wave's own file allowed", null=True
            ),
        ),
    ]
