"""What is in the lake: files, partitions, merges, and what could not be taken. Read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from datalake.choices import FileState, MergeState, MessageState
from datalake.models import (
    Checkpoint,
    DeadLetter,
    LakeFile,
    LakePartition,
    Merge,
    ParityResult,
    QueueMessage,
    Stream,
)
from operations.adminkit.listing import (
    BigTableAdmin,
    MaskedAdmin,
    PageAdmin,
    ReadOnlyAdmin,
    counted,
    shortened,
    sized,
)
from operations.adminkit.masking import DOT

FILE_COLOURS = {FileState.LOOSE: "info", FileState.MERGED: "success"}
MESSAGE_COLOURS = {MessageState.DONE: "success", MessageState.DEAD: "danger"}
MERGE_COLOURS = {MergeState.MERGED: "success", MergeState.ARCHIVED: "success"}


@admin.register(LakeFile)
class LakeFileAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = (
        "key",
        "record_type",
        "period",
        "state_label",
        "generation",
        counted("records"),
        sized("bytes"),
        "created_at",
    )
    list_filter = ("record_type", "state")

    @display(description="state", label=FILE_COLOURS)
    def state_label(self, file: LakeFile) -> str:
        return file.state


@admin.register(LakePartition)
class LakePartitionAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = (
        "record_type",
        "day",
        counted("records"),
        shortened("content_hash"),
        "updated_at",
    )
    list_filter = ("record_type",)


@admin.register(Merge)
class MergeAdmin(BigTableAdmin, ReadOnlyAdmin):
    list_display = (
        "__str__",
        "state_label",
        "files",
        counted("records_in"),
        counted("records_out"),
        sized("bytes_before"),
        sized("bytes_after"),
        "seconds",
        "error",
    )
    list_filter = ("state",)

    @display(description="state", label=MERGE_COLOURS)
    def state_label(self, merge: Merge) -> str:
        return merge.state


@admin.register(DeadLetter)
class DeadLetterAdmin(PageAdmin):
    page = "dead-letter"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list has a page of its own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("dead-letters"))


def hide(body: str) -> str:
    """A message names a fan and a code: it is hidden as a whole."""
    return DOT * min(len(body), 12)


@admin.register(QueueMessage)
class QueueMessageAdmin(BigTableAdmin, MaskedAdmin):
    """The messages of queues; those that wait are the queue's length. [T-4]"""

    personal = {"body": hide}
    list_display = (
        "id",
        "queue",
        "state_label",
        "receives",
        "body",
        "created_at",
        "settled_at",
    )
    list_filter = ("queue", "state")

    @display(description="state", label=MESSAGE_COLOURS)
    def state_label(self, message: QueueMessage) -> str:
        return message.state


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    list_display = ("name", counted("position"))


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("consumer", "stream", "shard", counted("position"), "ended", "updated_at")


@admin.register(ParityResult)
class ParityResultAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "ok",
        counted("database_records"),
        counted("lake_records"),
        counted("from_files"),
        counted("tombstones"),
        "files_read",
        "error",
        "checked_at",
    )
    list_filter = ("ok", "record_type")
