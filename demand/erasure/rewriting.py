"""An object of the archive gets other content where it lies: beside it first, so that a death
anywhere can be repaired. [X-11]

    written beside → read back → copied over the object → catalogue → what lies beside is deleted

Found beside an object, its new content says how far a killed process came: where the object has it
already, the catalogue gets what it missed; where not, nothing had happened.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from datalake import catalogue
from datalake.avro import container, rows
from datalake.avro.columns import content_hash
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.erasure.scrubbing import ERASED, forget, reference_of
from demand.errors import CannotErase


@dataclass(frozen=True)
class Content:
    """A file's content without the fan. `numbers` are the records that are or were the fan's;
    `changed` of them still were.
    """

    data: bytes
    before: container.Summary
    after: container.Summary
    numbers: list[int]
    changed: int


def content_without(key: str, fan_id: str, references: Mapping[int, str]) -> Content:
    """Read a file and write it anew in memory; records of others are taken over as the bytes they
    are.

    `references` say to whom an erased record belonged. Raises NotAvro, NoSuchObject, ValueError for
    a schema not of this archive.
    """
    before: list[bytes] = []
    after: list[bytes] = []
    numbers: list[int] = []
    with buckets.campaign_data().open(key) as source:
        schema = container.read_header(source).as_schema
        encode = rows.encoder(schema.avro)
        source.seek(0)
        for number, (record, data) in enumerate(container.split(source)):
            before.append(data)
            whose = record.get("fanId")
            if whose == fan_id:
                data = encode(forget(record, fan_id))
            if whose == fan_id or (
                whose == ERASED and references.get(number) == reference_of(record, fan_id)
            ):
                numbers.append(number)
            after.append(data)
    out = io.BytesIO()
    summary = container.write(out, schema, after, name=key)
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    return Content(
        out.getvalue(),
        container.Summary(len(before), content_hash(before)),
        summary,
        numbers,
        changed,
    )


def _beside(key: str) -> str:
    """Where the new content of an object waits; outside of the folders that readers list."""
    return f"{settings.DEMAND_PREFIX}/erasing/{key}"


def replace(key: str, data: bytes) -> None:
    """Put other content in an object's place: written beside it, read back, compared, copied; then
    the catalogue is updated.

    Raises CannotErase if the bucket did not keep what was written.
    """
    bucket, beside = buckets.campaign_data(), _beside(key)
    digest = hashlib.sha256(data).hexdigest()
    bucket.put(beside, data)
    if bucket.sha256(beside) != digest:
        bucket.delete(beside)
        raise CannotErase(
            f"{beside} was not stored correctly in the bucket. {key} is unchanged. Run the"
            " erasure again."
        )
    bucket.copy(beside, key)
    if bucket.sha256(key) != digest:
        raise CannotErase(f"{key} is not identical to {beside}. Run the erasure again to copy it.")
    _settle_one(beside)


def settle() -> None:
    """Finish what a killed erasure, of whomever, left beside the files."""
    for beside in list(buckets.campaign_data().list(_beside(""))):
        _settle_one(beside)


def _settle_one(beside: str) -> None:
    """Where an object was replaced already, the catalogue is updated; the copy beside it is taken
    away.
    """
    bucket, key = buckets.campaign_data(), beside.removeprefix(_beside(""))
    file = LakeFile.objects.filter(key=key).first()
    if (
        file is not None
        and file.sha256 != (digest := bucket.sha256(beside))
        and bucket.sha256(key) == digest
    ):
        with bucket.open(beside) as source:
            summary = container.read_header(source).summary
        if summary is None or summary.records != file.records:
            raise CannotErase(
                f"The records of {key} do not match its catalog entry. Check who changed the file."
            )
        catalogue.enter_rewritten(
            file, content_hash=summary.content_hash, size=bucket.size(beside), sha256=digest
        )
    bucket.delete(beside)
