"""Lines of change events on their way into the archive, some batches at a time. [D-1, D-5]

    claimed → files written → delivered

While PostgreSQL takes what was decided, the next events are judged and the files before them are on
their way to the bucket.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from django.conf import settings

from datalake.erased.erasing import refuse_while
from datalake.erased.fans import Erased, known
from demand.archiving import archive
from demand.archiving.archive import Part
from demand.archiving.batches import Decided, decide
from demand.choices import BatchState
from demand.models import Batch
from demand.sources.lines import MOST_BYTES, Lines, batches_of
from operations.choices import JobState
from operations.errors import JobStopped
from operations.leases import Lease
from operations.models import Job
from operations.threads import (
    helper_thread,
    prefetched,
    rare_garbage_collection,
    short_switch_interval,
)

logger = logging.getLogger(__name__)

BATCHES_AT_ONCE = 10  # in one transaction: its round trips cost as much as a thousand records
# between tries to write to a bucket that is away
PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
STOP_SECONDS = 1.0


def archive_lines(source: str, file: BinaryIO, lease: Lease, *, now: datetime, lines: int) -> int:
    """Archive a whole file of so many lines, what is done already aside. Returns how many events it
    has.

    `now` is used where an event gives no time of its own. Raises UnreadableEvents; OSError if the
    bucket stays away; JobStopped when what was begun is done, LeaseLost.
    """
    with (
        short_switch_interval(),
        rare_garbage_collection(),
        helper_thread("demand-judge") as judge,
        helper_thread("demand-put") as put,
    ):
        return _Pipeline(source, now, lease, lines, put).take(
            prefetched(judge, groups(source, file, now=now))
        )


@dataclass(slots=True)
class Group:
    """Some batches of an upload that go one way together: their lines, and what was decided of
    those that are not done yet.
    """

    decided: list[tuple[Lines, Decided]] = field(default_factory=list)
    events: int = 0
    bytes: int = 0
    end: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.decided) >= BATCHES_AT_ONCE or self.bytes >= MOST_BYTES


def groups(source: str, file: BinaryIO, *, now: datetime) -> Iterator[Group]:
    """The whole file, in groups. The database is asked at once, so all of them may be made in
    another thread.
    """
    done = set(
        Batch.objects.filter(source=source, state=BatchState.DONE).values_list("first", flat=True)
    )
    return _groups(source, file, now, done, known())


def refuse_while_archived() -> None:
    """Raises EraseLater while a file is being archived: who was erased was asked at its begin.
    [X-11]
    """
    running = Job.objects.filter(subject_kind="event_upload", state=JobState.RUNNING)
    job = running.order_by("pk").first()
    refuse_while(
        job is not None,
        f"Event upload {job.subject_id if job else ''} is being archived (job"
        f" {job.pk if job else ''}). The fan is erased when it is finished.",
    )


def _groups(
    source: str, file: BinaryIO, now: datetime, done: set[str], erased: Erased
) -> Iterator[Group]:
    prefix, group = settings.DEMAND_PREFIX, Group()
    for lines in batches_of(file):
        group.events += len(lines.raws)
        group.end = lines.end
        if lines.first not in done:
            group.bytes += lines.bytes
            decided = decide(
                source,
                lines.first,
                lines.last,
                lines.raws,
                now=now,
                sequences=lines.numbers,
                prefix=prefix,
                erased=erased,
            )
            lines.raws = []  # what was decided is all that is needed
            group.decided.append((lines, decided))
        if group.is_full:
            yield group
            group = Group()
    yield group


@dataclass(slots=True)
class _Pipeline:
    """The groups one after the other: while the files of one are written, the one before is
    delivered.
    """

    source: str
    now: datetime
    lease: Lease
    lines: int
    put: Executor
    under_way: tuple[list[Part], Future[None], int] | None = None

    def take(self, some: Iterator[Group]) -> int:
        """Archive them all. Returns how many events they have. Raises JobStopped when what was
        begun is done.
        """
        events = 0
        for group in some:
            try:
                self.lease.check_stop()
            except JobStopped:
                self.arrive()
                raise
            parts = self._claimed(group)
            before, self.under_way = (
                self.under_way,
                (parts, self.put.submit(archive.write, parts), group.end),
            )
            self._deliver(before)
            events += group.events
        self.arrive()
        return events

    def arrive(self) -> None:
        """Deliver what is under way."""
        before, self.under_way = self.under_way, None
        self._deliver(before)

    def _claimed(self, group: Group) -> list[Part]:
        """Their batches, claimed and their attempts counted, before any file is written."""
        spans = [(lines.first, lines.last, decided.events) for lines, decided in group.decided]
        batches = archive.claim_all(self.source, spans, created_at=self.now)
        parts = [
            Part(batch, decided) for batch, (_, decided) in zip(batches, group.decided, strict=True)
        ]
        begun = {batch.pk for batch in archive.begin(batches)}
        return [part for part in parts if part.batch.pk in begun]

    def _deliver(self, part: tuple[list[Part], Future[None], int] | None) -> None:
        if part is not None:
            parts, written, end = part
            self._see_written(parts, written)
            archive.deliver(parts)
            self.lease.report_progress(end, self.lines)

    def _see_written(self, parts: list[Part], written: Future[None]) -> None:
        """Wait for the files; a bucket that is away for some minutes is waited for. Raises OSError,
        JobStopped.
        """
        pauses = iter(PAUSES_SECONDS)
        while True:
            try:
                return written.result()
            except OSError as error:
                pause = next(pauses, None)
                if pause is None:
                    raise
                logger.warning(
                    "bucket not reached, will try again", extra={"error": type(error).__name__}
                )
            self._pause(pause)
            written = self.put.submit(archive.write, parts)

    def _pause(self, seconds: float) -> None:
        """Wait; a request to stop is obeyed within a second."""
        until = time.monotonic() + seconds
        while True:
            self.lease.check_stop()
            if (left := until - time.monotonic()) <= 0:
                return
            time.sleep(min(left, STOP_SECONDS))
