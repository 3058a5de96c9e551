from __future__ import annotations

from django.db.models import TextChoices


class JobState(TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE_JOBS = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


class ChunkState(TextChoices):
    PENDING = "pending"
    DONE = "done"


class Queue(TextChoices):
    """The queues of tasks: one that every worker looks at, and one that only those look at that
    are reserved for due waves.
    """

    GENERAL = "fairwave"
    WAVES = "waves"


class AlertState(TextChoices):
    PENDING = "pending"
    SENT = "sent"
    DROPPED = "dropped"
