"""Files that others put among the loose ones: normalised, validated and saved as files of ours before a merge sees them. [L-3]

The original stays as it is until an archive takes it; readers never see it.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from datalake import avro, catalogue, layout, storage
from datalake.catalogue import NewFile
from datalake.choices import ClaimState
from datalake.errors import NotAvro, OutdatedSchema
from datalake.layout import Period
from datalake.locks import alone
from datalake.models import Claim, LakeFile
from datalake.records import schema_of
from datalake.save import CONSUMER, Parcel, save_claim
from datalake.schemas import Schema
from datalake.streams.consumers import Taken

logger = logging.getLogger(__name__)

FOREIGN = "foreign"


def foreign_keys(record_type: str, period: Period | None = None) -> list[str]:
    """Loose files of the type (and period) that the catalogue does not know and that we did not write."""
    prefix = layout.folder(record_type, period) if period else f"{layout.ROOT}/{record_type}/"
    found = [key for key in storage.campaign_data().list(prefix) if layout.parse_loose_key(key)]
    known = set(LakeFile.objects.filter(key__in=found).values_list("key", flat=True))
    return [key for key in found if key not in known and not _is_ours(key)]


def _is_ours(key: str) -> bool:
    """A normalised file outside the catalogue was written by a save that has not come to its end: that one enters it."""
    try:
        with storage.campaign_data().open(key) as source:
            ours = avro.read_header(source).normalised
    except NotAvro:
        return False  # not ours; adopting it will say what is wrong, when its own period is merged
    if ours:
        logger.info("file of an unfinished save left alone", extra={"key": key})
    return ours


def adopt(key: str) -> Taken:
    """Save a foreign file's records. Raises OutdatedSchema, NotAvro, NoSuchObject; then nothing has changed."""
    located = layout.parse_loose_key(key)
    if located is None:
        raise OutdatedSchema(f"{key} does not lie where the files of a record type and day lie.")
    record_type, day, _ = located
    bucket = storage.campaign_data()
    with alone(f"lake:file:{key}"), bucket.open(key) as source:
        require_current_schema(schema_of(record_type), avro.read_header(source), key)
        source.seek(0)
        parcel = Parcel()
        parcel.add_records(0, avro.read_records(source))
        original = NewFile(key, record_type, day, FOREIGN, parcel.records_in, bucket.size(key), 0, bucket.sha256(key))
        return save_claim(_claim_file(key), parcel, commit=lambda: catalogue.enter_adopted(original))


def _claim_file(key: str) -> Claim:
    source = f"file:{key}"
    with transaction.atomic():
        claims = Claim.objects.filter(consumer=CONSUMER, source=source)
        left = claims.filter(state=ClaimState.OPEN).first()
        number = claims.count()  # a name that was archived may come again with another file
        return left or Claim.objects.create(consumer=CONSUMER, source=source, first=number, last=number)


def require_current_schema(schema: Schema, header: avro.Header, key: str) -> None:
    """Raises OutdatedSchema if the file names another version, or lacks a field that the version in force demands. [L-3]"""
    fields: Mapping[str, Any] = {each["name"]: each for each in header.schema.get("fields", [])}
    missing = [field.name for field in schema.fields if not field.nullable and field.name not in fields]
    if header.schema_name not in {None, schema.name} or missing:
        lacks = f" and lacks {', '.join(missing)}" if missing else ""
        written = header.schema_name or "a schema without a version"
        raise OutdatedSchema(f"{key} was written with {written}{lacks}; in force is {schema.name}. Convert it or move it away.")
