"""Streams, what consumers took from them, and what they could not take. [T-1]"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q

from datalake.choices import (
    ClaimState,
    PayloadForm,
)
from operations.database.fields import PositionField

SOURCE_HELP = "A stream's name, STREAM/SHARD, file:KEY, or queue:NAME"


class Stream(models.Model):
    """The end of a stream. Its row is locked while a batch is put there, so positions become
    visible in their order. [T-1]
    """

    name = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(
        default=0, help_text="Position of the newest batch; 0 = none yet"
    )

    def __str__(self) -> str:
        return self.name


class StreamBatch(models.Model):
    """Up to some thousand records at one position of a stream."""

    stream = models.CharField(max_length=40)
    position = models.BigIntegerField()
    batch_key = models.CharField(
        max_length=200, help_text="What it is, made by the publisher: published again, it stays one"
    )
    form = models.CharField(max_length=8, choices=PayloadForm)
    schema = models.CharField(
        max_length=60, blank=True, help_text="Of a frame: its schema's name, e.g. scoring.v1"
    )
    records = models.PositiveIntegerField()
    payload = models.BinaryField(
        help_text="Compressed already; PostgreSQL does not compress it again"
    )
    correlation_id = models.CharField(max_length=64, blank=True)
    published_at = models.DateTimeField(auto_now_add=True)
    handed_over = models.JSONField(
        null=True,
        blank=True,
        help_text="Where its last records are in a stream outside the database: shard → position",
    )

    class Meta:
        verbose_name_plural = "stream batches"
        constraints = [
            models.UniqueConstraint(name="streambatch_position", fields=["stream", "position"]),
            models.UniqueConstraint(name="streambatch_key", fields=["stream", "batch_key"]),
        ]

    def __str__(self) -> str:
        return f"{self.stream}:{self.position}"


class Checkpoint(models.Model):
    """How far a consumer has come in a stream, or in one shard of it, committed together with what
    it did. [T-1]
    """

    consumer = models.CharField(max_length=40)
    stream = models.CharField(max_length=40)
    shard = models.CharField(
        max_length=128, blank=True, default="", help_text="Empty where a stream has one order"
    )
    position = PositionField(default=0)
    begun = PositionField(
        default=0, help_text="Last position of the batches in hand, if it is greater"
    )
    ended = models.BooleanField(
        default=False, help_text="The shard was split or merged, and everything in it is consumed"
    )
    attempts = models.PositiveIntegerField(
        default=0, help_text="How often they were begun and did not end"
    )
    suspect_first = models.PositiveIntegerField(
        default=0, help_text="Records among which the one is that stops the consumer"
    )
    suspect_end = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="checkpoint_once", fields=["consumer", "stream", "shard"])
        ]

    def __str__(self) -> str:
        shard = f"/{self.shard}" if self.shard else ""
        return f"{self.consumer} at {self.stream}{shard}:{self.position}"


class Claim(models.Model):
    """A range of a stream's positions (or one foreign file) that a consumer takes, and the ledger
    of what became of it.

    Made before the work, so that a repeat takes exactly the same range. [L-2]
    """

    consumer = models.CharField(max_length=40)
    source = models.CharField(max_length=1100, help_text=SOURCE_HELP)
    first = PositionField(default=0)
    last = PositionField(default=0)
    state = models.CharField(max_length=8, choices=ClaimState, default=ClaimState.OPEN)
    records_in = models.BigIntegerField(default=0)
    records_out = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0, help_text="Moved to the dead letters")
    duplicates = models.BigIntegerField(default=0, help_text="Processed before")
    claimed_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)
    is_counted = models.BooleanField(
        default=False, help_text="Of the lake: parity has counted what was published in it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="claim_one_open",
                fields=["consumer", "source"],
                condition=Q(state=ClaimState.OPEN),
            ),
            models.UniqueConstraint(
                name="claim_range_once", fields=["consumer", "source", "first"]
            ),
            models.CheckConstraint(name="claim_range", condition=Q(first__lte=F("last"))),
            models.CheckConstraint(
                name="claim_ledger",
                condition=Q(state=ClaimState.OPEN)
                | Q(records_in=F("records_out") + F("invalid") + F("duplicates")),
            ),
        ]
        indexes = [
            models.Index(fields=["done_at"], name="claim_done"),
            models.Index(
                fields=["id"],
                name="claim_uncounted",
                condition=Q(consumer="lake", state=ClaimState.DONE, is_counted=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.source} {self.first}–{self.last}"


class SeenRecord(models.Model):
    """A record that took effect, by the first 128 bits of its dedupeHash, and the claim it came
    with. [T-1]

    128 bits of SHA-256 do not collide by chance, and as `uuid` they take 16 bytes in row and index.
    The digest leads the index: 430,000 entries/s by sorted COPY, 350,000 with the consumer's name
    first.
    """

    pk = models.CompositePrimaryKey("digest", "consumer")
    consumer = models.CharField(max_length=40)
    digest = models.UUIDField()
    claim = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.consumer} {self.digest}"


WAITING = Q(replayed_at=None, dropped_at=None)  # of dead letters


class DeadLetterQuerySet(models.QuerySet):
    def waiting(self) -> Self:
        """Those that were neither replayed nor settled without it."""
        return self.filter(WAITING)


class DeadLetter(models.Model):
    """A record that a consumer could not take, with its error, to be looked at and replayed.
    [T-1]
    """

    consumer = models.CharField(max_length=40)
    source = models.CharField(max_length=1100, help_text=SOURCE_HELP)
    position = PositionField()
    index = models.PositiveIntegerField(help_text="Number of the record in its batch, from 0")
    error = models.CharField(max_length=300)
    record = models.TextField(help_text="The record as JSON")
    created_at = models.DateTimeField(auto_now_add=True)
    replayed_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person settled it without a replay"
    )
    settled_by_job = models.BigIntegerField(
        null=True, blank=True, help_text="The job that replayed or settled it with others"
    )

    objects = DeadLetterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="deadletter_once", fields=["consumer", "source", "position", "index"]
            ),
            models.CheckConstraint(
                name="deadletter_one_end", condition=Q(replayed_at=None) | Q(dropped_at=None)
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="deadletter_created"),
            models.Index(fields=["id"], name="deadletter_waiting", condition=WAITING),
            models.Index(fields=["error", "id"], name="deadletter_by_reason", condition=WAITING),
            models.Index(
                fields=["consumer", "id"], name="deadletter_by_consumer", condition=WAITING
            ),
            models.Index(
                fields=["settled_by_job"],
                name="deadletter_by_job",
                condition=Q(settled_by_job__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.position}[{self.index}]"

    @property
    def state(self) -> str:
        """`waiting`, `replayed`, or `settled` without a replay."""
        if self.replayed_at:
            return "replayed"
        return "settled" if self.dropped_at else "waiting"
