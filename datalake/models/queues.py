"""The messages of the queues. [T-4]"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from datalake.choices import MessageState


class QueueMessage(models.Model):
    """A message of a queue. The row is the message where the queue is in the database, and says
    what is still to be handed over where it is on SQS. [T-4]
    """

    queue = models.CharField(max_length=40)
    key = models.CharField(
        max_length=128, help_text="What it is, made by the sender: put again, it stays one"
    )
    group = models.CharField(
        max_length=128, blank=True, help_text="On a FIFO queue: those of one group keep their order"
    )
    body = models.TextField(help_text="JSON")
    state = models.CharField(max_length=8, choices=MessageState, default=MessageState.WAITING)
    receives = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How often it was received"
    )
    visible_at = models.DateTimeField(
        db_default=Now(), help_text="Received, it comes again from this time on"
    )
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was acknowledged or handed over, or became a dead letter",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="queuemessage_once", fields=["queue", "key"]),
            models.CheckConstraint(
                name="queuemessage_settled",
                condition=Q(state=MessageState.WAITING, settled_at=None)
                | Q(~Q(state=MessageState.WAITING), settled_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "id"],
                name="queuemessage_waiting",
                condition=Q(state=MessageState.WAITING),
            ),
            models.Index(
                fields=["id"],
                name="queuemessage_dead",
                condition=Q(state=MessageState.DEAD),
            ),
            models.Index(fields=["settled_at"], name="queuemessage_settled_at"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} message {self.pk}"
