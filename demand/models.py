"""Batches of change events and their results, the current state of each record, and its
snapshots in the archive.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from datalake.models import LakeFile
from demand.choices import BatchState, DemandType, ErrorType

LONGEST_REFERENCE = 800  # characters; an index row of PostgreSQL takes 2,700 bytes


class Shard(models.Model):
    """A shard of a Kinesis stream and how far its records are claimed. [D-1]"""

    stream = models.CharField(max_length=128)
    shard_id = models.CharField(max_length=128)
    parents = models.JSONField(
        default=list, help_text="Shards that must be claimed to their end before this one is begun"
    )
    since = models.DateTimeField(
        null=True, blank=True, help_text="Read from this instant; none = from its first record"
    )
    claimed = models.CharField(
        max_length=128, blank=True, help_text="Sequence number of the last record that is claimed"
    )
    ended = models.BooleanField(
        default=False, help_text="The shard was split or merged, and all its records are claimed"
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    behind_seconds = models.FloatField(
        default=0, help_text="Age of the records that are being read"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="demand_shard_once", fields=["stream", "shard_id"])
        ]

    def __str__(self) -> str:
        return f"{self.stream}/{self.shard_id}"


class EventUpload(models.Model):
    """A file of change events, one JSON object a line. Its bytes are kept only until all of it is
    archived. [D-1]
    """

    name = models.CharField(max_length=255)
    sha256 = models.CharField(
        max_length=64, unique=True, help_text="The same bytes are the same upload"
    )
    key = models.CharField(
        max_length=200, help_text="Object key in the scoring bucket while it is worked on"
    )
    bytes = models.BigIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Batch(models.Model):
    """Up to 1,000 events that lie together at their source, and the ledger of their results.
    [D-5]

    Made before the work, so that a repeat takes exactly the same events and writes the same files.
    """

    source = models.CharField(
        max_length=300, help_text="kinesis:STREAM/SHARD, file:SHA-256, or replay:ERROR FILE"
    )
    first = models.CharField(
        max_length=128, help_text="Position of its first event: sequence number, or line"
    )
    last = models.CharField(max_length=128)
    state = models.CharField(max_length=8, choices=BatchState, default=BatchState.OPEN)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Counted before the work; every write names it"
    )
    events = models.PositiveIntegerField(help_text="Events in")
    archived = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    error_counts = models.JSONField(default=dict, help_text="Errors by type")
    type_counts = models.JSONField(default=dict, help_text="Archived records by type")
    unknown_attributes = models.PositiveIntegerField(
        default=0, help_text="Attributes that are not in the schema, ignored"
    )
    systems_left_out = models.PositiveIntegerField(
        default=0, help_text="systemUserId that is not in the form a.b.c, ignored [D-3]"
    )
    seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(help_text="Used as the time of events that have none")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(name="demand_batch_once", fields=["source", "first"]),
            models.CheckConstraint(
                name="demand_batch_ledger",
                condition=~Q(state=BatchState.DONE) | Q(events=F("archived") + F("errors")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["source"], name="demand_batch_open", condition=Q(state=BatchState.OPEN)
            ),
            models.Index(fields=["created_at"], name="demand_batch_created"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.first}–{self.last}"


class Delivery(models.Model):
    """A file of the archive: the records of one batch, type and partition date. [BR-012, D-8]"""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="deliveries")
    file = models.OneToOneField(LakeFile, on_delete=models.PROTECT, related_name="delivery")

    class Meta:
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return self.file.key


class ErrorFile(models.Model):
    """The events of one batch that failed for one reason, as they lie in the bucket; replayed after
    a repair. [BR-014, D-5]
    """

    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, related_name="error_files", db_index=False
    )
    error_type = models.CharField(max_length=16, choices=ErrorType)
    key = models.CharField(
        max_length=1024, unique=True, help_text="Object key in the campaign data bucket"
    )
    events = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="demand_errorfile_once", fields=["batch", "error_type"])
        ]

    def __str__(self) -> str:
        return self.key


class CurrentRecord(models.Model):
    """The newest known state of a record: newest change, then highest sequence number, wins.
    Scrubbed if deleted. [D-6]
    """

    record_type = models.CharField(max_length=12, choices=DemandType)
    reference_id = models.CharField(max_length=LONGEST_REFERENCE)
    fan_id = models.CharField(max_length=LONGEST_REFERENCE, blank=True)
    event_id = models.CharField(max_length=LONGEST_REFERENCE, blank=True)
    sale_id = models.CharField(max_length=LONGEST_REFERENCE, blank=True)
    changed_at = models.DateTimeField()
    sequence = models.DecimalField(max_digits=60, decimal_places=0, default=0)
    deleted = models.BooleanField(default=False)
    record = models.JSONField(help_text="As in the archive")

    class Meta:
        verbose_name = "demand record"
        constraints = [
            models.UniqueConstraint(
                name="demand_current_once", fields=["reference_id", "record_type"]
            )
        ]
        indexes = [
            models.Index(fields=["fan_id"], name="demand_current_fan", condition=~Q(fan_id="")),
            models.Index(fields=["event_id"], name="demand_current_event"),
            models.Index(fields=["sale_id"], name="demand_current_sale", condition=~Q(sale_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.reference_id}"


class Snapshot(models.Model):
    """Where in the archive a record is, as it was after one change. [BR-020]

    Filled by COPY, a row for each archived record; it has no foreign key, because checking one
    would cost as much as the row.
    """

    file_id = models.BigIntegerField(help_text="LakeFile")
    number = models.PositiveIntegerField(help_text="Of the record in the file, from 0")
    record_type = models.CharField(max_length=12, choices=DemandType)
    reference_id = models.CharField(max_length=LONGEST_REFERENCE)
    changed_at = models.DateTimeField()
    sequence = models.DecimalField(max_digits=60, decimal_places=0, default=0)
    deleted = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["reference_id"], name="demand_snapshot_reference")]

    def __str__(self) -> str:
        return f"{self.record_type} {self.reference_id} at {self.changed_at:%Y-%m-%d %H:%M:%S}"


class SelectedEvents(models.Model):
    """The events that a fan may buy tickets for, by what every campaign says. With DEMAND_TABLE the
    row says what is still to be written there, too. [T-4]
    """

    global_user_id = models.TextField()
    by_campaign = models.JSONField(help_text="Campaign id → its events")
    event_ids = ArrayField(models.TextField(), help_text="The events of all of them")
    version = models.BigIntegerField(default=1, help_text="Counts the changes")
    written_version = models.BigIntegerField(
        default=0, db_default=0, help_text="The last one that is in DynamoDB"
    )
    written_ids = ArrayField(
        models.TextField(), default=list, db_default=[], help_text="The events that may be there"
    )
    try_at = models.DateTimeField(
        db_default=Now(), help_text="When it is written, or tried again after it was refused"
    )
    error = models.TextField(blank=True, db_default="", help_text="Why DynamoDB refused it")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "selected events"
        verbose_name_plural = "selected events"
        default_permissions = ("view",)
        constraints = [
            # not unique=True, which makes a second index of every fan, for LIKE
            models.UniqueConstraint(fields=["global_user_id"], name="demand_selected_fan"),
            models.CheckConstraint(
                name="demand_selected_written_is_known",
                condition=Q(written_version__lte=F("version")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["try_at", "id"],
                name="demand_selected_unwritten",
                condition=Q(written_version__lt=F("version")),
            )
        ]

    def __str__(self) -> str:
        return f"selected events {self.pk}"
