"""The demand archive as lists. What is done with its rows has pages in `console`; nobody writes one by hand."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from demand.choices import BatchState
from demand.models import Batch, CurrentRecord, Delivery, ErrorFile, EventUpload
from operations.listing import BigTableAdmin, MaskedAdmin, PageAdmin, ReadOnlyAdmin, counted, sized

BATCH_COLOURS = {BatchState.OPEN: "info", BatchState.DONE: "success", BatchState.LOST: "danger"}


@admin.register(CurrentRecord)
class CurrentRecordAdmin(BigTableAdmin, MaskedAdmin, PageAdmin):
    """The newest records. No column of the list is personal; the record itself stands on its own page, masked there.

    It has no filters: none of them has an index that could order a page of millions. `Find a record` uses those there are.
    """

    page = "demand-record"
    list_before_template = "console/demand_records.html"
    list_display = ("reference_id", "record_type", "fan_id", "event_id", "sale_id", "changed_at", "deleted")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CurrentRecord]:
        return super().get_queryset(request).defer("record")


@admin.register(Batch)
class BatchAdmin(BigTableAdmin, ReadOnlyAdmin):
    change_form_outer_before_template = "console/demand_batch.html"
    list_display = (
        "source",
        "first",
        "last",
        "state_label",
        counted("events"),
        counted("archived"),
        counted("errors"),
        "seconds_taken",
        "created_at",
    )
    list_filter = ("state",)

    @display(description="state", label=BATCH_COLOURS)
    def state_label(self, batch: Batch) -> str:
        return batch.state

    @display(description="seconds")
    def seconds_taken(self, batch: Batch) -> str:
        return f"{batch.seconds:.2f}"


@admin.register(Delivery)
class DeliveryAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = ("key", "record_type", "partition_date", "records", "size", "batch")
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


@admin.register(ErrorFile)
class ErrorFileAdmin(BigTableAdmin, PageAdmin):
    page = "demand-error-file"
    list_display = ("key", "error_type", counted("events"), "batch", "created_at")
    list_filter = ("error_type",)
    list_select_related = ("batch",)


@admin.register(EventUpload)
class EventUploadAdmin(BigTableAdmin, PageAdmin):
    page = "demand-upload"
    list_before_template = "console/demand_uploads.html"
    list_display = ("name", sized("bytes"), "created_at", "created_by", "finished_at")
    list_select_related = ("created_by",)
