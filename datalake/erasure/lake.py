"""A fan is taken out of the campaign lake's files: loose, merged and archived ones. [X-11]

    look → note what the file is to hold → written beside → read back → copied over the object →
    catalogue, parity, identities → what lies beside is deleted

A reader has the file as it was, or as it is after; all other records keep their bytes and their
order. Killed anywhere, the note says what is missing (`settle`). While a file is replaced no merge
of its month and no archive of it runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any, BinaryIO, Final

from django.db import transaction

from datalake import catalogue
from datalake.archive import archived_place
from datalake.avro import container
from datalake.choices import FileState, RecordType
from datalake.erased.erasing import FILE, Left, Place, Sought, Touch
from datalake.erased.names import name_of
from datalake.erased.records import FAN, forget
from datalake.erasure import content
from datalake.erasure.streams import rename_identities
from datalake.errors import CannotErase, NoSuchObject, NotAvro
from datalake.layout import ROOT, parse_loose_key, parse_period
from datalake.models import LakeFile, LakeRewrite
from datalake.parity import published
from datalake.storage import buckets
from operations.database.locks import exclusive
from operations.database.retries import retried

AREA: Final = "campaign lake"
BESIDE: Final = "erasing"


def erase_files(
    sought: Sought,
    touch: Touch,
    report_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[Left]:
    """Take the fan out of every file of the lake. Raises CannotErase for a file that cannot be
    read, when all others are done; OSError while the bucket is down.
    """
    settle()
    broken: list[str] = []
    seen: set[int] = set()
    while pks := _unseen(seen):
        total = len(seen) + len(pks)
        for pk in pks:
            report_progress(len(seen), total)
            seen.add(pk)
            try:
                _erase_from(pk, sought, touch)
            except (NotAvro, NoSuchObject, ValueError) as error:
                broken.append(f"{LakeFile.objects.get(pk=pk).key} ({error})")
    if broken:
        raise CannotErase(
            f"The fan could not be erased from {len(broken)} files of the lake, including"
            f" {broken[0]}. All other files are finished. Repair these files or restore them, and"
            " run the erasure again."
        )
    yield from _foreign()
    if (versions := buckets.campaign_data().keeps_versions()) is not False:
        why = "kept by the bucket's versioning" if versions else "the bucket may keep versions"
        yield Left("older versions of replaced files of the lake", None, why)


def _unseen(seen: Container[int]) -> list[int]:
    """The files that are still to be looked into: while some are, a merge that had begun before may
    write another one of sources that had the fan.
    """
    files = LakeFile.objects.filter(record_type__in=RecordType.values).order_by("pk")
    return [pk for pk in files.values_list("pk", flat=True) if pk not in seen]


def _foreign() -> Iterator[Left]:
    """Files that others put there and no merge has adopted: their records come in without the fan,
    and then the originals are deleted by the erasure.
    """
    prefixes = (f"{ROOT}/{each}/" for each in RecordType.values)
    keys = [key for prefix in prefixes for key in buckets.campaign_data().list(prefix)]
    known = set(LakeFile.objects.filter(key__in=keys).values_list("key", flat=True))
    if foreign := sum(1 for key in keys if parse_loose_key(key) and key not in known):
        yield Left(
            "files that others put into the lake",
            foreign,
            "not adopted yet: the merge of their day takes their records without the fan",
        )


def _erase_from(pk: int, sought: Sought, touch: Touch) -> None:
    file = LakeFile.objects.get(pk=pk)
    with _held(file):
        if _is_foreign(file):
            _delete_foreign(file, sought, touch)
        else:
            _rewrite(file, sought, touch)


@contextmanager
def _held(file: LakeFile) -> Iterator[None]:
    """The file as it is now, and no merge of its month and no archive of it runs meanwhile."""
    month = parse_period(file.period).month_period
    with ExitStack() as held:
        held.enter_context(exclusive(f"merge:{file.record_type}:{month}"))
        file.refresh_from_db()
        if file.merged_into_id:
            held.enter_context(exclusive(f"archive:{file.merged_into_id}"))
            file.refresh_from_db()
        yield


def _is_foreign(file: LakeFile) -> bool:
    """The original of a file that was adopted: its records are in files of ours."""
    return (
        file.state in (FileState.SUPERSEDED, FileState.ARCHIVED)
        and not file.claim_id
        and (file.generation == 0)
    )


def _delete_foreign(file: LakeFile, sought: Sought, touch: Touch) -> None:
    """Nobody can write its form again, and nothing is lost with it."""
    with buckets.campaign_data().open(file.key) as source:
        ours = (each for each in container.read_records(source) if each.get(FAN) == sought.fan_id)
        holds = not all(map(sought.keeps, ours))
    if holds:
        touch(Place(AREA, FILE, file.key, file.records))
        _delete_unverified_copy(file)
        buckets.campaign_data().delete(file.key)
        LakeFile.objects.filter(pk=file.pk).delete()


def _delete_unverified_copy(file: LakeFile) -> None:
    """What an archive that was killed has copied, as the file was before. The next one copies
    anew.
    """
    if file.state == FileState.SUPERSEDED:
        buckets.campaign_data().delete(archived_place(file))


def _forgetter(sought: Sought) -> content.Forget:
    names: dict[str, str] = {}

    def forget_record(record: Mapping[str, Any]) -> dict[str, Any]:
        if sought.keeps(record):
            return dict(record)
        campaign = record["campaignId"]
        if campaign not in names:
            names[campaign] = name_of(campaign, sought.fan_id, sought.number)
        return forget(record, names[campaign])

    return forget_record


def _rewrite(file: LakeFile, sought: Sought, touch: Touch) -> None:
    bucket, forget_record = buckets.campaign_data(), _forgetter(sought)
    with bucket.open(file.key) as source:
        change = content.find_change(source, sought.fan_id, forget_record)
    if change is None:
        return
    beside = _beside(file)
    # a merged file's marker is made from its folder: see contents.write_merged
    name = file.key.rpartition("/")[0] if file.generation else file.key
    digest = hashlib.sha256()
    with bucket.open(file.key) as source, bucket.writer(beside) as out:
        summary, fan = change.summary, sought.fan_id
        hashed = _Hashed(out, digest)
        content.write_without(hashed, source, fan, forget_record, summary, name=name)  # type: ignore[arg-type]
    days = {
        day: [each.records, f"{each.before:x}", f"{each.after:x}"]
        for day, each in change.days.items()
    }
    with transaction.atomic():
        touch(Place(AREA, FILE, file.key, change.records))
        note = LakeRewrite.objects.create(
            file=file,
            sha256=digest.hexdigest(),
            bytes=bucket.size(beside),
            content_hash=catalogue.as_text(change.summary.content_hash),
            days=days,
            identities=change.identities,
        )
    _finish(note)


class _Hashed:
    """A file to write to, and what it takes in hashed."""

    def __init__(self, out: BinaryIO, digest: Any) -> None:
        self.out, self.digest = out, digest

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.out.write(data)


def _beside(file: LakeFile) -> str:
    """Where the new content waits, outside of the folders that readers list; also when the file
    goes to the archive meanwhile.
    """
    return f"{BESIDE}/{ROOT}/{file.pk}.avro"


def settle() -> None:
    """Finish what a killed erasure, of whomever, left half done."""
    for note in LakeRewrite.objects.select_related("file").order_by("pk"):
        with _held(note.file):
            _finish(note)
    for beside in list(buckets.campaign_data().list(f"{BESIDE}/{ROOT}/")):
        buckets.campaign_data().delete(beside)


def _finish(note: LakeRewrite) -> None:
    """The object gets the new content, unless it has it, and then its entry does. Raises
    CannotErase where the bucket did not keep what was written.
    """
    bucket, file = buckets.campaign_data(), note.file
    beside = _beside(file)
    if bucket.sha256(file.key) != note.sha256:
        if bucket.sha256(beside) != note.sha256:
            raise CannotErase(
                f"{beside} was not stored correctly in the bucket. {file.key} is unchanged. Run"
                " the erasure again."
            )
        bucket.copy(beside, file.key)
        if bucket.sha256(file.key) != note.sha256:
            raise CannotErase(f"{file.key} is not identical to {beside}. Run the erasure again.")
    _delete_unverified_copy(file)
    _enter(note, file)
    bucket.delete(beside)


@retried
@transaction.atomic
def _enter(note: LakeRewrite, file: LakeFile) -> None:
    days = {
        date.fromisoformat(day): (records, int(before, 16), int(after, 16))
        for day, (records, before, after) in note.days.items()
    }
    seen = catalogue.enter_without_a_fan(
        file,
        content_hash=int(note.content_hash, 16),
        size=note.bytes,
        sha256=note.sha256,
        days={day: after - before for day, (_, before, after) in days.items()},
    )
    for day, (records, before, after) in days.items() if seen else ():
        published.add_tombstones(file.record_type, day, records=records, before=before, after=after)
    rename_identities(note.identities)
    note.delete()
