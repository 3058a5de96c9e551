"""`archive_demand [FILE|-]`: archive a file of change events, or what standard input gives, in the
foreground. [D-1]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import CommandParser

from demand import rights
from demand.errors import StoppedByHand, UnreadableEvents
from demand.models import EventUpload
from demand.sources import uploads
from operations.commands import JsonCommand

STANDARD_INPUT = "-"


class Command(JsonCommand):
    help = (
        "Archive change events of demands, notifications, events and sales. One JSON"
        " object per line."
    )
    permissions = rights.ARCHIVE_EVENTS
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            default=STANDARD_INPUT,
            help="JSON lines; can be compressed (.gz); - is standard input",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        name, by = options["file"], options["by"]
        with _opened(name) as file:
            upload = uploads.receive(
                "standard input" if name == STANDARD_INPUT else Path(name).name, file, by=by
            )
        if not uploads.is_over(upload):
            job = uploads.open_job(upload, by=by)
            with self.watching(job.pk):
                upload = uploads.process(job.pk)
        return uploads.result_of(_finished(upload))


def _opened(name: str) -> BinaryIO:
    """A file that can be read twice; a pipe is copied to this machine's disk first. Raises
    UnreadableEvents.
    """
    if name == STANDARD_INPUT:
        if sys.stdin is None:  # closed by who started us
            raise UnreadableEvents(
                "Standard input is closed. Enter a file name, or send the events to standard input."
            )
        return uploads.spooled(sys.stdin.buffer)
    try:
        file = Path(name).open("rb")  # noqa: SIM115 the caller closes it
        if file.seekable():
            return cast("BinaryIO", file)
        with file:
            return uploads.spooled(cast("BinaryIO", file))
    except OSError as error:
        raise UnreadableEvents(
            f"{name or 'A file without a name'} cannot be read: {error.strerror}."
        ) from error


def _finished(upload: EventUpload) -> EventUpload:
    """Raises StoppedByHand if a person stopped it meanwhile."""
    if upload.finished_at is None:
        raise StoppedByHand(
            f"Event upload {upload.pk} was paused or cancelled by a user. Run the same"
            " command again to continue."
        )
    return upload
