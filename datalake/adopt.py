"""Files that others put among the loose ones: normalised, validated and saved as files of ours
before a merge sees them. [L-3]

The original stays as it is until an archive takes it; readers never see it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

from datalake import catalogue, layout
from datalake.avro import container
from datalake.catalogue import NewFile
from datalake.choices import ClaimState
from datalake.errors import NoSuchObject, NotAvro, OutdatedSchema
from datalake.layout import Period
from datalake.models import Claim, LakeFile
from datalake.records import schema_of
from datalake.save import CONSUMER, ClaimContents, save_claim
from datalake.schemas import SCHEMAS, VERSIONS, Schema
from datalake.storage import buckets
from datalake.streams.consumers import Consumed
from operations.database.locks import exclusive

logger = logging.getLogger(__name__)

FOREIGN = "foreign"
SLICE_RECORDS = 50_000  # as Python values some 60 MB
SLICE_BYTES = 64 << 20
KNOWN_FIELDS = frozenset(field.name for schema in SCHEMAS.values() for field in schema.fields)


def foreign_keys(record_type: str, period: Period | None = None) -> list[str]:
    """Loose files of the type (and period) that the catalogue does not know and that we did not
    write.
    """
    prefix = layout.folder(record_type, period) if period else f"{layout.ROOT}/{record_type}/"
    found = [key for key in buckets.campaign_data().list(prefix) if layout.parse_loose_key(key)]
    known = set(LakeFile.objects.filter(key__in=found).values_list("key", flat=True))
    return [key for key in found if key not in known and not _is_ours(key)]


def _is_ours(key: str) -> bool:
    """A normalised file outside the catalogue was written by a save that has not come to its end:
    that one enters it.
    """
    try:
        with buckets.campaign_data().open(key) as source:
            ours = container.read_header(source, name=key).normalised
    except NotAvro:
        return False  # not ours; adopting it will say what is wrong, when its own period is merged
    except NoSuchObject:
        return True  # gone since it was listed: another process has archived it
    if ours:
        logger.info("file of an unfinished save left alone", extra={"key": key})
    return ours


def adopt(
    key: str, *, slice_records: int = SLICE_RECORDS, slice_bytes: int = SLICE_BYTES
) -> Consumed:
    """Save a foreign file's records, slice by slice. Killed in between, the next run goes on with
    the slice that is missing.

    The whole file is read before its first record is saved. Raises OutdatedSchema, NotAvro,
    NoSuchObject; then nothing of it was saved.
    """
    located = layout.parse_loose_key(key)
    if located is None:
        raise OutdatedSchema(f"{key} is not in the folder of a record type and day.")
    record_type, day, _ = located
    bucket = buckets.campaign_data()
    with exclusive(f"lake:file:{key}"), bucket.open(key) as source:
        require_readable(schema_of(record_type), source, key)
        source.seek(0)
        sha256 = bucket.sha256(key)
        records = container.split(source, name=key)
        taken = _adopt_records(f"file:{key}#{sha256[:16]}", records, slice_records, slice_bytes)
        original = NewFile(
            key, record_type, day, FOREIGN, taken.records_in, bucket.size(key), 0, sha256
        )
        catalogue.enter_adopted(original)
    return taken


def _adopt_records(
    source: str, records: Iterator[tuple[dict[str, Any], bytes]], most: int, most_bytes: int
) -> Consumed:
    """The name of the source holds the file's checksum: another file under the same name is another
    source.
    """
    total, first = Consumed(), 0
    while part := _slice(records, most, most_bytes):
        about = {"consumer": CONSUMER, "source": source, "first": first}
        claim, _ = Claim.objects.get_or_create(**about, defaults={"last": first + len(part) - 1})
        if claim.state == ClaimState.DONE:
            total += Consumed(claim.records_in, claim.records_out, claim.invalid, claim.duplicates)
        else:
            contents = ClaimContents()
            contents.add_records(((first, number), record) for number, record in enumerate(part))
            total += save_claim(claim, contents)
        first += len(part)
    return total


def _slice(
    records: Iterator[tuple[dict[str, Any], bytes]], most: int, most_bytes: int
) -> list[dict[str, Any]]:
    """The next records, in the form that streams carry, up to so many or so many bytes."""
    part: list[dict[str, Any]] = []
    size = 0
    for record, data in records:
        part.append(as_streamed(record))
        size += len(data)
        if len(part) == most or size >= most_bytes:
            break
    return part


def as_streamed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A foreign record as streams would carry it: fields that a schema of ours has, logical
    timestamps as text, no list where there is null. [L-3]
    """
    known = {name: value for name, value in record.items() if name in KNOWN_FIELDS}
    date = known.get("date")
    created = date.get("created") if isinstance(date, dict) else None
    if isinstance(created, datetime):
        known["date"] = {"created": created.isoformat()}
    if "tags" in known and known["tags"] is None:
        known["tags"] = []
    return known


def require_readable(schema: Schema, source: BinaryIO, key: str) -> None:
    """Read a foreign file to its end. Raises OutdatedSchema, and NotAvro for whatever cannot be
    read. [L-3]
    """
    require_current_schema(schema, container.read_header(source, name=key), key)
    source.seek(0)
    for _ in container.read_records(source, name=key):
        pass


def require_current_schema(schema: Schema, header: container.Header, key: str) -> None:
    """Raises OutdatedSchema if the file names a version that is not known, or lacks a field that
    the version in force demands. [L-3]
    """
    missing = [
        field.name
        for field in schema.fields
        if not field.nullable and field.name not in header.field_names
    ]
    known = {name for name, each in VERSIONS.items() if each.record_type == schema.record_type}
    if header.schema_name not in {None, *known} or missing:
        lacks = f" and is missing {', '.join(missing)}" if missing else ""
        written = header.schema_name or "a schema without a version"
        raise OutdatedSchema(
            f"{key} was written with {written}{lacks}. The current schema is {schema.name}."
            " Convert the file or move it away."
        )
