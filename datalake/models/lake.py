"""The catalogue of the lake's files, their merges, and how they compare with what was published."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from datalake.choices import (
    READABLE,
    FileState,
    MergeState,
)
from datalake.models.streams import Claim


class LakePartition(models.Model):
    """All records of one type and UTC day that were saved, however their files were merged since.
    [L-9]
    """

    record_type = models.CharField(max_length=40)
    day = models.DateField()
    records = models.BigIntegerField(default=0)
    content_hash = models.CharField(
        max_length=64, default="0" * 64, help_text="Sum over all its records, hexadecimal"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lakepartition_once", fields=["record_type", "day"]),
            models.CheckConstraint(name="lakepartition_counts", condition=Q(records__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.day}"


class Merge(models.Model):
    """The making of one generation of a period's merged file. [L-3]"""

    record_type = models.CharField(max_length=40)
    period = models.CharField(max_length=10, help_text="2026-01-20, or 2026-01 for a month")
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=MergeState, default=MergeState.FRAGMENTED)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Counted before the work; every write names it"
    )
    error = models.TextField(blank=True)
    merged_key = models.CharField(max_length=1024, blank=True)
    files = models.PositiveIntegerField(default=0)
    records_in = models.BigIntegerField(default=0)
    records_out = models.BigIntegerField(default=0)
    bytes_before = models.BigIntegerField(default=0)
    bytes_after = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="merge_generation_once", fields=["record_type", "period", "generation"]
            ),
            models.UniqueConstraint(
                name="merge_one_at_a_time",
                fields=["record_type", "period"],
                condition=~Q(state__in=[MergeState.MERGED, MergeState.ARCHIVED]),
            ),
            models.CheckConstraint(
                name="merge_ledger",
                condition=~Q(state__in=[MergeState.MERGED, MergeState.ARCHIVED])
                | Q(records_in=F("records_out")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.period} g{self.generation}"

    @property
    def place(self) -> str:
        """`scoring/2026-01-20`: what the page of its period is found by."""
        return f"{self.record_type}/{self.period}"


class LakeFile(models.Model):
    """One file of the lake. What is LOOSE or MERGED is what readers of its period see, and nothing
    else is. [L-4]
    """

    key = models.CharField(
        max_length=1024, unique=True, help_text="Object key in the campaign data bucket"
    )
    record_type = models.CharField(max_length=40)
    period = models.CharField(
        max_length=10, help_text="2026-01-20, or 2026-01 for a month's merged file"
    )
    state = models.CharField(max_length=12, choices=FileState, default=FileState.LOOSE)
    generation = models.PositiveIntegerField(
        default=0, help_text="Of a merged file; 0 = as it was saved"
    )
    schema = models.CharField(max_length=60, help_text="Name of its schema, e.g. scoring.v1")
    records = models.BigIntegerField()
    bytes = models.BigIntegerField()
    content_hash = models.CharField(max_length=64)
    sha256 = models.CharField(
        max_length=64, blank=True, help_text="Of merged files taken when they are archived"
    )
    claim = models.ForeignKey(
        Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="files"
    )
    merged_into = models.ForeignKey(
        Merge, null=True, blank=True, on_delete=models.PROTECT, related_name="sources"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="lakefile_one_merged",
                fields=["record_type", "period"],
                condition=Q(state=FileState.MERGED),
            ),
            models.UniqueConstraint(
                name="lakefile_generation_once",
                fields=["record_type", "period", "generation"],
                condition=Q(generation__gt=0),
            ),
            models.CheckConstraint(
                name="lakefile_merged_is_a_generation",
                condition=~Q(state=FileState.MERGED) | Q(generation__gt=0),
            ),
            models.CheckConstraint(
                name="lakefile_readable_is_not_merged_away",
                condition=~Q(state__in=READABLE) | Q(merged_into=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["record_type", "period"],
                name="lakefile_readable",
                condition=Q(state__in=READABLE),
            ),
            models.Index(
                fields=["record_type", "period", "state", "id"], name="lakefile_of_period"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class PublishedDay(models.Model):
    """What was published of one type and UTC day, counted from the streams' batches and not from
    the lake's files: the database's side of parity. An erasure enters its tombstones by
    `parity.published.add_tombstones`. [L-9, X-9, X-11]
    """

    record_type = models.CharField(max_length=40)
    day = models.DateField()
    records = models.BigIntegerField(default=0)
    content_hash = models.CharField(max_length=64, default="0" * 64)
    from_files = models.BigIntegerField(
        default=0, help_text="Of these, records of files that others put into the lake"
    )
    tombstones = models.BigIntegerField(
        default=0, help_text="Of these, records of fans who were erased since"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="publishedday_once", fields=["record_type", "day"])
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.day}"


class ParityResult(models.Model):
    """How database and lake compared last, for one type and day, or month where its days are one
    file. [X-9]
    """

    record_type = models.CharField(max_length=40)
    period = models.CharField(max_length=10, help_text="2026-01-20, or 2026-01 for a month")
    ok = models.BooleanField()
    database_records = models.BigIntegerField()
    lake_records = models.BigIntegerField()
    database_hash = models.CharField(max_length=64)
    lake_hash = models.CharField(max_length=64)
    from_files = models.BigIntegerField(default=0)
    tombstones = models.BigIntegerField(default=0)
    files_read = models.BooleanField(
        default=False, help_text="The files themselves were read, not only their entries"
    )
    error = models.CharField(max_length=500, blank=True, help_text="A file that cannot be read")
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="parityresult_once", fields=["record_type", "period"])
        ]

    def __str__(self) -> str:
        return f"{self.record_type} {self.period}"

    @property
    def place(self) -> str:
        """`scoring/2026-01-20`: what the page of its period is found by."""
        return f"{self.record_type}/{self.period}"
