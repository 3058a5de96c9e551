"""Sources of a merge go to the archive: copied, verified all together, and only then deleted. [L-5]

Killed anywhere it runs again: a copy that is there is verified, not trusted; an original that is
gone has a verified copy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from datalake import layout, queues
from datalake.choices import FileState, MergeState, QueueName
from datalake.errors import ArchiveCorrupt, NotMerged
from datalake.models import LakeFile, Merge
from datalake.queues import Outgoing
from datalake.storage import buckets
from operations import jobs, leases
from operations.database.locks import exclusive
from operations.models import Job
from operations.subjects import Subject

logger = logging.getLogger(__name__)

JOB_KIND = "archive_merge"


def subject_of(merge: Merge) -> Subject:
    return Subject("merge", str(merge.pk))


def ask_for_archive(merge: Merge) -> Job:
    """The job row that asks for the archive of a merge's sources, and where ARCHIVE_QUEUE is set a
    message, too; in the transaction of the switch.
    """
    if queues.is_on_sqs(QueueName.ARCHIVE):
        period = layout.parse_period(merge.period)
        body = {
            "filePrefix": layout.folder(merge.record_type, period),
            "mergedKey": layout.merged_key(merge.record_type, period, merge.generation),
        }
        name = f"{merge.record_type}:{merge.period}:g{merge.generation}"
        queues.put(QueueName.ARCHIVE, [Outgoing(name, body)])
    return jobs.open_job(JOB_KIND, subject_of(merge))


def waiting_jobs() -> list[Job]:
    """The archives that merges asked for and that are not done, oldest merge first; those that
    failed are set to run again.
    """
    merged = Merge.objects.filter(state=MergeState.MERGED).order_by("merged_at", "pk")
    return [jobs.open_or_requeue(JOB_KIND, subject_of(merge), by=None) for merge in merged]


def run_archive(job_id: int) -> None:
    """Do the archive a job asks for; the ledger of the job counts files."""
    merge_id = int(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        files = archive(merge_id, on_file=lease.report_progress)
        leases.finish(lease, rows_in=files, rows_out=files, progress=files, total=files)


def archive(
    merge_id: int, *, on_file: Callable[[int, int], object] = lambda done, total: None
) -> int:
    """Archive the sources of a merge. Returns how many files lie in the archive. `on_file` is
    called before each is copied or verified, with how many of these steps are done, of how many.
    Raises NotMerged, ArchiveCorrupt, GlueUnreachable.
    """
    with exclusive(f"archive:{merge_id}"):
        merge = Merge.objects.get(pk=merge_id)
        if merge.state not in {MergeState.MERGED, MergeState.ARCHIVED}:
            raise NotMerged(
                f"{merge} is {merge.state}. Its sources can be archived once it is merged."
            )
        waiting = list(
            LakeFile.objects.filter(merged_into=merge, state=FileState.SUPERSEDED).order_by("key")
        )
        steps = [(step, file) for step in (_copy, _verify) for file in waiting]
        for done, (step, file) in enumerate(steps):
            on_file(done, len(steps))
            step(file)
        _mirror(merge)
        for file in waiting:
            _let_go(file)
        Merge.objects.filter(pk=merge_id, state=MergeState.MERGED).update(
            state=MergeState.ARCHIVED, archived_at=timezone.now()
        )
        return merge.sources.filter(state=FileState.ARCHIVED).count()


def _mirror(merge: Merge) -> None:
    """What is deleted next is named by no partition of Glue any more. Raises GlueUnreachable."""
    if settings.GLUE_DATABASE:
        from datalake.mirror import glue_partitions  # boto3 is not loaded where there is no Glue

        glue_partitions.mirror_type(merge.record_type)


def archived_place(file: LakeFile) -> str:
    """Where the file goes: the archive folder of its own day or month, under its own name."""
    return layout.archived_key(
        file.record_type, layout.parse_period(file.period), file.key.rpartition("/")[2]
    )


def _copy(file: LakeFile) -> None:
    """Copy what is still there; the checksum of a merged file, never taken so far, is taken of the
    original.
    """
    bucket = buckets.campaign_data()
    if not bucket.exists(file.key):
        return  # deleted by an attempt that was killed after it had verified everything
    if not file.sha256:
        file.sha256 = bucket.sha256(file.key)
        LakeFile.objects.filter(pk=file.pk, sha256="").update(sha256=file.sha256)
    if not bucket.exists(archived_place(file)):
        bucket.copy(file.key, archived_place(file))


def _verify(file: LakeFile) -> None:
    bucket = buckets.campaign_data()
    place = archived_place(file)
    if (
        not bucket.exists(place)
        or bucket.size(place) != file.bytes
        or bucket.sha256(place) != file.sha256
    ):
        raise ArchiveCorrupt(
            f"{place} is not identical to {file.key}, so nothing was deleted. Remove the"
            " copy and archive again."
        )


def _let_go(file: LakeFile) -> None:
    """Delete, then say so: killed in between, the row still says SUPERSEDED and the next run finds
    the verified copy.
    """
    buckets.campaign_data().delete(file.key)
    with transaction.atomic():
        LakeFile.objects.filter(pk=file.pk, state=FileState.SUPERSEDED).update(
            state=FileState.ARCHIVED, key=archived_place(file)
        )
