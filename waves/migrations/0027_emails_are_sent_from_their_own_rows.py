"""The e-mail queue had a row of its own for each e-mail, beside the message's: the message has its
columns now, and an e-mail that is being sent is unknown. Results are counted, no longer saved.
[N-5, N-7]
"""

from __future__ import annotations

from django.db import migrations, models

MOVE = """
UPDATE waves_send AS message
SET queued_at = email.queued_at,
    state = CASE WHEN email.state = 'sending' THEN 'unknown' ELSE message.state END,
    reason = CASE WHEN email.state = 'sending' THEN 'sender_lost' ELSE message.reason END,
    maybe_accepted = message.maybe_accepted OR email.state = 'sending',
    attempts = email.attempts, not_before = email.not_before
FROM waves_queuedemail AS email WHERE email.send_id = message.id
"""


class Migration(migrations.Migration):
    dependencies = [("waves", "0026_waiting_lists_are_kept")]

    operations = [
        migrations.AddField(
            model_name="send",
            name="queued_at",
            field=models.DateTimeField(
                blank=True, help_text="When an e-mail came into the e-mail queue", null=True
            ),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.DeleteModel(name="QueuedEmail"),
        migrations.DeleteModel(name="SendResult"),
    ]
