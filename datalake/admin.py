"""What is in the lake: files, partitions, merges, and what could not be taken. Read only."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from datalake.choices import FileState, MergeState
from datalake.models import (
    Checkpoint,
    DeadLetter,
    LakeFile,
    LakePartition,
    Merge,
    ParityResult,
    Stream,
)
from operations.adminkit.listing import (
    BigTableAdmin,
    MaskedAdmin,
    ReadOnlyAdmin,
    counted,
    shortened,
    sized,
)
from operations.adminkit.masking import DOT

FILE_COLOURS = {FileState.LOOSE: "info", FileState.MERGED: "success"}
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


def hide(record: str) -> str:
    """A record that was not taken may hold anything, an address in the wrong field too: it is
    hidden as a whole.
    """
    return DOT * min(len(record), 12)


@admin.register(DeadLetter)
class DeadLetterAdmin(BigTableAdmin, MaskedAdmin):
    personal = {"record": hide}
    list_before_template = "console/lake/dead_letters.html"
    change_form_outer_before_template = "console/lake/dead_letter.html"
    list_display = (
        "id",
        "consumer",
        "source",
        "position",
        "index",
        "error",
        "record",
        "created_at",
        "replayed_at",
    )


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    list_display = ("name", counted("position"))


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("consumer", "stream", counted("position"), "updated_at")


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
