"""The demand archive as lists. What is done with its rows has pages in `console`; none is written
by hand.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from demand.choices import BatchState
from demand.models import Batch, CurrentRecord, Delivery, ErrorFile, EventUpload, SelectedEvents
from operations.adminkit.listing import (
    BigTableAdmin,
    MaskedAdmin,
    PageAdmin,
    ReadOnlyAdmin,
    counted,
    plain,
    sized,
)

BATCH_COLOURS = {BatchState.OPEN: "info", BatchState.DONE: "success", BatchState.LOST: "danger"}
LONGEST_NAME, LONGEST_POSITION = 44, 12


def _named(batch: Batch) -> str:
    """A batch's source, short enough for a list; hashes and keys are shown in full on the batch's
    own page.
    """
    return (
        batch.source
        if len(batch.source) <= LONGEST_NAME
        else f"{batch.source[: LONGEST_NAME - 1]}…"
    )


def _tail(position: str) -> str:
    """A line as it is; of a sequence number the end, for those of one shard begin alike."""
    return position if len(position) <= LONGEST_POSITION else f"…{position[1 - LONGEST_POSITION :]}"


@admin.register(CurrentRecord)
class CurrentRecordAdmin(BigTableAdmin, MaskedAdmin, PageAdmin):
    """The newest records. No column of the list is personal; the record itself has its own
    page, masked there.

    It has no filters: none of them has an index that could order a page of millions. `Find a
    record` uses those there are.
    """

    page = "demand-record"
    list_before_template = "console/demand/records.html"
    list_display = (
        plain("reference_id"),
        "record_type",
        *map(plain, ("fan_id", "event_id", "sale_id")),
        "changed_at",
        "state",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[CurrentRecord]:
        return super().get_queryset(request).defer("record")

    @display(description="state", label={"deleted": "warning"})
    def state(self, current: CurrentRecord) -> str:
        return "deleted" if current.deleted else "kept"


@admin.register(Batch)
class BatchAdmin(BigTableAdmin, ReadOnlyAdmin):
    change_form_outer_before_template = "console/demand/batch.html"
    list_display = (
        "from_where",
        "positions",
        "state_label",
        counted("events"),
        counted("archived"),
        counted("errors"),
        "created_at",
    )
    list_filter = ("state",)

    @display(description="state", label=BATCH_COLOURS)
    def state_label(self, batch: Batch) -> str:
        return batch.state

    @display(description="source")
    def from_where(self, batch: Batch) -> str:
        return _named(batch)

    @display(description="positions")
    def positions(self, batch: Batch) -> str:
        return f"{_tail(batch.first)} – {_tail(batch.last)}"


@admin.register(Delivery)
class DeliveryAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = ("record_type", "partition_date", "records", "size", "from_where", "key")
    list_select_related = ("file", "batch")

    @display(description="file")
    def key(self, delivery: Delivery) -> str:
        return delivery.file.key

    @display(description="type")
    def record_type(self, delivery: Delivery) -> str:
        return delivery.file.record_type

    @display(description="partition date")
    def partition_date(self, delivery: Delivery) -> str:
        return delivery.file.period

    @display(description="records")
    def records(self, delivery: Delivery) -> str:
        return f"{delivery.file.records:,}"

    @display(description="size")
    def size(self, delivery: Delivery) -> str:
        return filesizeformat(delivery.file.bytes)

    @display(description="source")
    def from_where(self, delivery: Delivery) -> str:
        return _named(delivery.batch)


@admin.register(ErrorFile)
class ErrorFileAdmin(BigTableAdmin, PageAdmin):
    page = "demand-error-file"
    list_display = ("why", counted("events"), "from_where", "created_at")
    list_filter = ("error_type",)
    list_select_related = ("batch",)

    @display(description="why")
    def why(self, file: ErrorFile) -> str:
        return file.get_error_type_display()

    @display(description="source")
    def from_where(self, file: ErrorFile) -> str:
        return _named(file.batch)


@admin.register(EventUpload)
class EventUploadAdmin(BigTableAdmin, PageAdmin):
    page = "demand-upload"
    list_before_template = "console/demand/uploads.html"
    list_display = ("name", sized("bytes"), "created_at", "created_by", "finished_at")
    list_select_related = ("created_by",)


@admin.register(SelectedEvents)
class SelectedEventsAdmin(BigTableAdmin, ReadOnlyAdmin):
    """The events that fans were selected for; `written version` is behind where DynamoDB has still
    to get a change. [T-4]
    """

    list_display = (
        plain("global_user_id"),
        "event_ids",
        "version",
        "written_version",
        "error",
        "changed_at",
    )
