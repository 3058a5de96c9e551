"""Files that others put among the loose ones: normalised, validated and saved as files of ours
before a merge sees them. [L-3]

The original stays as it is until an archive takes it; readers never see it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from datalake import catalogue, layout
from datalake.avro import container
from datalake.catalogue import NewFile
from datalake.choices import ClaimState
from datalake.errors import NotAvro, OutdatedSchema
from datalake.layout import Period
from datalake.models import Claim, LakeFile
from datalake.records import schema_of
from datalake.save import CONSUMER, ClaimContents, save_claim
from datalake.schemas import Schema
from datalake.storage import buckets
from datalake.streams.consumers import Consumed
from operations.database.locks import exclusive

logger = logging.getLogger(__name__)

FOREIGN = "foreign"
SLICE_RECORDS = 50_000  # as Python values some 60 MB


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
            ours = container.read_header(source).normalised
    except NotAvro:
        return False  # not ours; adopting it will say what is wrong, when its own period is merged
    if ours:
        logger.info("file of an unfinished save left alone", extra={"key": key})
    return ours


def adopt(key: str, *, slice_records: int = SLICE_RECORDS) -> Consumed:
    """Save a foreign file's records, slice by slice. Killed in between, the next run goes on with
    the slice that is missing.

    Raises OutdatedSchema, NotAvro, NoSuchObject; a file that breaks off later than its first slice
    has then been saved so far.
    """
    located = layout.parse_loose_key(key)
    if located is None:
        raise OutdatedSchema(f"{key} is not in the folder of a record type and day.")
    record_type, day, _ = located
    bucket = buckets.campaign_data()
    with exclusive(f"lake:file:{key}"), bucket.open(key) as source:
        require_current_schema(schema_of(record_type), container.read_header(source), key)
        source.seek(0)
        sha256 = bucket.sha256(key)
        taken = _adopt_records(
            f"file:{key}#{sha256[:16]}", container.read_records(source), slice_records
        )
        original = NewFile(
            key, record_type, day, FOREIGN, taken.records_in, bucket.size(key), 0, sha256
        )
        catalogue.enter_adopted(original)
    return taken


def _adopt_records(source: str, records: Iterator[Any], slice_records: int) -> Consumed:
    """The name of the source holds the file's checksum: another file under the same name is another
    source.
    """
    total = Consumed()
    for first in itertools.count(step=slice_records):
        part = list(itertools.islice(records, slice_records))
        if not part:
            return total
        about = {"consumer": CONSUMER, "source": source, "first": first}
        claim, _ = Claim.objects.get_or_create(**about, defaults={"last": first + len(part) - 1})
        if claim.state == ClaimState.DONE:
            total += Consumed(claim.records_in, claim.records_out, claim.invalid, claim.duplicates)
            continue
        contents = ClaimContents()
        contents.add_records(first, part)
        total += save_claim(claim, contents)
    return total


def require_current_schema(schema: Schema, header: container.Header, key: str) -> None:
    """Raises OutdatedSchema if the file names another version, or lacks a field that the version in
    force demands. [L-3]
    """
    fields: Mapping[str, Any] = {each["name"]: each for each in header.schema.get("fields", [])}
    missing = [
        field.name for field in schema.fields if not field.nullable and field.name not in fields
    ]
    if header.schema_name not in {None, schema.name} or missing:
        lacks = f" and is missing {', '.join(missing)}" if missing else ""
        written = header.schema_name or "a schema without a version"
        raise OutdatedSchema(
            f"{key} was written with {written}{lacks}. The current schema is {schema.name}."
            " Convert the file or move it away."
        )
