"""A file of change events, from upload to archive. [D-1]

    receive → job: counted → archived (file_pipeline.py) → finished, its bytes deleted

A killed job continues at the first batch that is not DONE; the same bytes are the same upload, and
its result.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from contextlib import ExitStack
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from datalake.errors import NoSuchObject
from datalake.storage import buckets
from demand.archiving import archive
from demand.archiving.deliveries import as_delivered
from demand.choices import BatchState, ErrorType
from demand.errors import NotKept, UnknownUpload, UnreadableEvents
from demand.models import Batch, Delivery, ErrorFile, EventUpload
from demand.sources import file_pipeline
from demand.sources.lines import count_lines
from operations import alerts, jobs, leases
from operations.choices import LIVE_JOBS
from operations.errors import JobStopped
from operations.leases import Lease
from operations.models import Job
from operations.plurals import plural
from operations.subjects import Subject

logger = logging.getLogger(__name__)

JOB_KIND = "archive_demand"
PIECE = 1 << 20


def subject_of(upload: EventUpload) -> Subject:
    """What its job works on."""
    return Subject("event_upload", str(upload.pk))


def source_of(upload: EventUpload) -> str:
    """What its batches name as their source."""
    return f"file:{upload.sha256}"


def spooled(stream: BinaryIO) -> BinaryIO:
    """What a pipe gives, as a file that can be read twice; the caller closes it. Raises
    UnreadableEvents if it is too much.
    """
    size = 0
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile())
        while block := stream.read(PIECE):
            size += len(block)
            if size > settings.UPLOAD_MAX_BYTES:
                raise _too_large()
            file.write(block)
        file.seek(0)
        on_failure.pop_all()  # the caller closes it
    return cast("BinaryIO", file)


def receive(name: str, file: BinaryIO, *, by: User | None) -> EventUpload:
    """Take a file (seekable) into the scoring bucket; the same bytes again are the same upload,
    finished or not. [D-1]

    The job looks into it. Raises UnreadableEvents for a file that is too large; then nothing is
    written. And NotKept.
    """
    sha256, size = _looked_at(file)
    values = {
        "name": name.replace("\x00", "")[:255] or "events",
        "key": f"demand/uploaded/{sha256}.jsonl",
        "bytes": size,
        "created_by": by,
    }
    upload = EventUpload.objects.get_or_create(sha256=sha256, defaults=values)[0]
    if upload.finished_at is None:
        _keep(upload, file)
    return upload


def _looked_at(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size in bytes. Raises UnreadableEvents."""
    if file.seek(0, 2) > settings.UPLOAD_MAX_BYTES:
        raise _too_large()
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while block := file.read(PIECE):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def _keep(upload: EventUpload, file: BinaryIO) -> None:
    """Put the bytes into the bucket unless they lie there; the job looks at their checksum. Raises
    NotKept.
    """
    bucket = buckets.scoring()
    try:
        found = bucket.found(upload.key)
        if found is None or found.size != upload.bytes:
            file.seek(0)
            bucket.put(upload.key, file)
    except OSError as error:
        why = error.strerror or error
        raise NotKept(
            f"{upload.name} could not be stored in the scoring bucket ({why}). Upload it again."
        ) from error


def _too_large() -> UnreadableEvents:
    return UnreadableEvents(
        f"The file is larger than {settings.UPLOAD_MAX_BYTES:,} bytes, which is the"
        " limit. Split it and upload the parts."
    )


def open_job(upload: EventUpload, *, by: User | None) -> Job:
    """The job that archives the file: the live one, or the last one set to run again from where it
    stands, or a new one.
    """
    return jobs.open_or_requeue(JOB_KIND, subject_of(upload), by=by)


def is_over(upload: EventUpload) -> bool:
    """Whether all is archived and put away: a worker that died in its last step leaves a job that
    is not over.
    """
    live = Job.objects.about(subject_of(upload)).filter(kind=JOB_KIND, state__in=LIVE_JOBS)
    return upload.finished_at is not None and not live.exists()


def upload_of(number: int) -> EventUpload:
    """Raises UnknownUpload."""
    found = EventUpload.objects.filter(pk=number).first()
    if found is None:
        raise UnknownUpload(f"Event upload {number} does not exist.")
    return found


def process(job_id: int) -> EventUpload:
    """Archive the job's file, or what is left of it. A repeat of a finished one changes nothing.

    Raises UnreadableEvents, and OSError if a bucket stays down; what was archived until then stays,
    and continues from there.
    """
    number = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        upload = upload_of(number)
        if upload.finished_at is None:
            try:
                _archive(upload, lease)
            except JobStopped as stop:
                if stop.how == "cancel":
                    _forget_bytes(upload.key)
                raise
        counts = ledger(upload)
        buckets.scoring().delete(upload.key)
        lease.update(
            rows_in=counts["events"], rows_out=counts["archived"], rows_rejected=counts["errors"]
        )
    return upload_of(number)


def forget_cancelled(job: Job) -> None:
    """A job that waited or was paused is cancelled: its file's bytes are deleted."""
    upload = EventUpload.objects.filter(pk=int(job.subject_id)).first()
    if upload is not None:
        key = upload.key
        transaction.on_commit(lambda: _forget_bytes(key))


def _forget_bytes(key: str) -> None:
    """No data is kept for work that was cancelled. It stays cancelled if the bucket is away just
    then: the file is left, and the log says so.
    """
    try:
        buckets.scoring().delete(key)
    except OSError as error:
        logger.warning(
            "file of a cancelled upload not deleted",
            extra={"key": key, "error": type(error).__name__},
        )


def _archive(upload: EventUpload, lease: Lease) -> None:
    with _kept(upload) as file:
        lease.step("Reading the file")
        lines = _checked_lines(upload, file)
        lease.step("Archiving events", rows=lines, total=lines, progress=0)
        counted = file_pipeline.archive_lines(
            source_of(upload), file, lease, now=upload.created_at, lines=lines
        )
    _finish(upload, lease, counted, lines)


def _kept(upload: EventUpload) -> BinaryIO:
    try:
        return buckets.scoring().open(upload.key)
    except NoSuchObject:
        raise UnreadableEvents(
            f"{upload.name} is no longer in the scoring bucket. Upload it again."
        ) from None


def _checked_lines(upload: EventUpload, file: BinaryIO) -> int:
    """How many lines there are. Raises UnreadableEvents if the bytes are not those that were
    received, or cannot be read to their end: then no data is kept.
    """
    try:
        if hashlib.file_digest(cast("Any", file), "sha256").hexdigest() != upload.sha256:
            raise UnreadableEvents(
                f"{upload.name} in the bucket is not the file that was uploaded: its checksum"
                " is different. Upload it again."
            )
        return count_lines(file, most_bytes=settings.UPLOAD_MAX_BYTES)
    except UnreadableEvents:
        buckets.scoring().delete(upload.key)
        raise


def _finish(upload: EventUpload, lease: Lease, counted: int, lines: int) -> None:
    """All is archived, and its ledger is whole: as many events as were counted apart from the
    batches. Waits for the disk.
    """
    with transaction.atomic():
        lease.hold()
        counts = ledger(upload)
        if (counts["events"], counts["open"]) != (counted, 0):
            raise UnreadableEvents(
                f"{upload.name} has {plural(counted, 'event')}, but its batches have"
                f" {counts['events']:,}, of which {counts['open']:,} are not archived. Archive"
                " the file again."
            )
        EventUpload.objects.filter(pk=upload.pk).update(finished_at=timezone.now())
        lease.update(progress=lines, total=lines)
        if counts["errors"]:
            errors = archive.errors_in_words(
                counts["errors"], counts["events"], errors_by_type(upload)
            )
            alerts.alert(f":warning: Demand archive, event upload {upload.pk}: {errors}")


def ledger(upload: EventUpload) -> dict[str, int]:
    """Sums over its batches: `events`, `archived`, `errors`, and the events of those that are still
    `open`.
    """
    batches = Batch.objects.filter(source=source_of(upload))
    return batches.aggregate(
        open=Sum("events", filter=~Q(state=BatchState.DONE), default=0),
        archived=Sum("archived", default=0),
        errors=Sum("errors", default=0),
        events=Sum("events", default=0),
    )


def errors_by_type(upload: EventUpload) -> dict[str, int]:
    """Errors of all its batches, in the order of the types."""
    files = ErrorFile.objects.filter(batch__source=source_of(upload))
    counts = dict(files.values_list("error_type").annotate(events=Sum("events")))
    return {kind.value: counts[kind] for kind in ErrorType if kind in counts}


def result_of(upload: EventUpload) -> dict[str, Any]:
    """The result object of `archive_demand`: in, archived, errors{type: n}, files[],
    error_files[], deliveries[]. [D-9]
    """
    counts, source = ledger(upload), source_of(upload)
    return {
        "in": counts["events"],
        "archived": counts["archived"],
        "errors": errors_by_type(upload),
        "files": list(
            Delivery.objects.filter(batch__source=source)
            .order_by("pk")
            .values_list("file__key", flat=True)
        ),
        "error_files": list(
            ErrorFile.objects.filter(batch__source=source)
            .order_by("pk")
            .values_list("key", flat=True)
        ),
        "deliveries": list(as_delivered(Delivery.objects.filter(batch__source=source))),
    }
