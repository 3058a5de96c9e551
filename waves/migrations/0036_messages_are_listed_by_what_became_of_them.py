"""The messages of a wave are read page by page, by what became of them; waves go on while the index
is built. [N-7]
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("waves", "0035_messages_say_through_which_provider_they_went")]

    operations = [
        AddIndexConcurrently(
            "send",
            models.Index(fields=["wave", "state", "channel", "reason", "id"], name="send_listed"),
        ),
        RemoveIndexConcurrently("send", "send_state"),
    ]
