"""How work is done: jobs and their chunks, alerts, and who moved what from which state to which.
[O-1, O-2, O-6]
"""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from operations.choices import LIVE_JOBS, AlertState, ChunkState, JobState
from operations.database.clock import database_time
from operations.subjects import Subject


class SubjectQuerySet(models.QuerySet):
    def about(self, subject: Subject) -> Self:
        """The rows of one subject."""
        return self.filter(subject_kind=subject.kind, subject_id=subject.id)


class AboutSubject(models.Model):
    """A row about a subject, in two columns that an index can find."""

    subject_kind = models.CharField(max_length=40, help_text="A noun, such as score_file")
    subject_id = models.CharField(
        max_length=120, blank=True, help_text="What the subject is found by"
    )

    objects = SubjectQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def subject(self) -> Subject:
        return Subject(self.subject_kind, self.subject_id)


class Job(AboutSubject):
    """One background step and its ledger: rows in = rows out + rows rejected once it is done.
    [O-1]
    """

    kind = models.CharField(max_length=40)
    arguments = models.JSONField(
        default=dict,
        blank=True,
        help_text="What else the work needs; never personal data",
    )
    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Counted before the work; every write names it"
    )
    correlation_id = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    stop_requested = models.CharField(
        max_length=12, blank=True, choices=[("pause", "pause"), ("cancel", "cancel")]
    )
    total = models.BigIntegerField(default=0, help_text="Units of work expected, 0 while unknown")
    progress = models.BigIntegerField(default=0)
    pace = models.JSONField(
        default=dict,
        help_text="Its step, and its progress when it was last looked at",
    )
    rows_in = models.BigIntegerField(default=0)
    rows_out = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    retry_at = models.DateTimeField(
        null=True, blank=True, help_text="When a failed job is queued again without a person"
    )
    retries = models.PositiveIntegerField(default=0, help_text="How often that happened")
    waits_for = models.TextField(
        blank=True, help_text="The work that comes first, as its last try said"
    )
    waits_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when each try has said the same"
    )
    wait_told_at = models.DateTimeField(
        null=True, blank=True, help_text="When an alert said it last"
    )
    deaths = models.PositiveIntegerField(
        default=0, help_text="How often it was taken over from a worker that died or hung"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="job_retry_is_of_a_failed_one",
                condition=Q(retry_at=None) | Q(state=JobState.FAILED),
            ),
            models.CheckConstraint(
                name="job_ledger",
                condition=~Q(state=JobState.DONE) | Q(rows_in=F("rows_out") + F("rows_rejected")),
            ),
            models.CheckConstraint(
                name="job_failed_says_why", condition=~Q(state=JobState.FAILED) | ~Q(error="")
            ),
            models.UniqueConstraint(
                name="job_one_live",
                fields=["kind", "subject_kind", "subject_id", "arguments"],
                condition=Q(state__in=LIVE_JOBS),
            ),
        ]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="job_subject"),
            models.Index(fields=["lease_until"], name="job_live", condition=Q(state__in=LIVE_JOBS)),
            models.Index(
                fields=["retry_at"], name="job_retry", condition=Q(retry_at__isnull=False)
            ),
            models.Index(fields=["finished_at"], name="job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def works_on(self) -> str:
        """The subject for people, with its name where the arguments hold one."""
        name = self.arguments.get("name")
        return f"{self.subject} ({name})" if name else str(self.subject)

    @property
    def is_waiting(self) -> bool:
        """Whether it did not fail, but other work comes first."""
        ended = self.state == JobState.FAILED and self.retry_at is not None
        return ended and self.waits_since is not None

    @property
    def shown_state(self) -> str:
        """The state for people."""
        return "waiting" if self.is_waiting else self.state

    @property
    def percent(self) -> int:
        """How far the job is, 0 to 100; 100 only when it is done."""
        if self.state == JobState.DONE:
            return 100
        return min(99, self.progress * 100 // self.total) if self.total else 0


class Chunk(models.Model):
    """A part of a job that is done in one transaction together with its effect, so that a resumed
    job skips it.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=ChunkState, default=ChunkState.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    first = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    rows_in = models.BigIntegerField(default=0)
    rows_out = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="chunk_once", fields=["job", "number"]),
            models.CheckConstraint(
                name="chunk_ledger",
                condition=~Q(state=ChunkState.DONE) | Q(rows_in=F("rows_out") + F("rows_rejected")),
            ),
        ]

    def __str__(self) -> str:
        return f"chunk {self.number} of job {self.job_id}"


class Alert(models.Model):
    """A message for Slack that waits until it can be delivered; its failure never fails the work.
    [O-2]
    """

    text = models.TextField()
    state = models.CharField(max_length=12, choices=AlertState, default=AlertState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], name="alert_pending", condition=Q(state=AlertState.PENDING)
            ),
            models.Index(fields=["created_at"], name="alert_created"),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class Heartbeat(models.Model):
    """When a process of a service was last alive, by the database's clock. Without a machine: the
    service is expected, and none of its processes has begun. [O-2]
    """

    service = models.CharField(max_length=120)
    host = models.CharField(max_length=255, blank=True)
    pid = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField()
    has_alerted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="heartbeat_once", fields=["service", "host", "pid"])
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.place}"

    @property
    def place(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def complaint(self) -> str:
        """What is wrong with it, for an alert."""
        if not self.host:
            return f"Service {self.service} has not been running for 3 minutes. Start it."
        return (
            f"Service {self.service} has been silent for more than 3 minutes ({self.place}). Check"
            " it, and start it again."
        )


class StatusChange(AboutSubject):
    """Who moved what from which state to which, when and why. Written beside the change, never
    altered. [W-2]
    """

    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(default=database_time, editable=False)
    reason = models.TextField(blank=True)
    cause = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        help_text="Why the system moved it; empty where a person did",
    )
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "history entry"
        verbose_name_plural = "history"
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="statuschange_subject")
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.from_state} → {self.to_state}"


class Pruned(models.Model):
    """How many rows of one kind were deleted on a day, because they were older than they are kept.
    [O-10]
    """

    rows = models.CharField(max_length=60, help_text="What was deleted, such as stream batches")
    day = models.DateField()
    deleted = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "deleted rows"
        verbose_name_plural = "deleted rows"
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(name="pruned_once", fields=["rows", "day"])]

    def __str__(self) -> str:
        return f"{self.rows} {self.day}"
