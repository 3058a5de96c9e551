"""What a merge reads and writes: sources are checked, those of older versions upgraded, blocks
copied into one file, and the result is read back. [L-3, L-6, L-9]
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import BinaryIO, cast

from datalake.avro import container, upgrading
from datalake.avro.columns import add_hashes
from datalake.errors import CountMismatch, OutdatedSchema, TooLarge
from datalake.models import LakeFile
from datalake.records import schema_of
from datalake.schemas import VERSIONS
from datalake.storage import buckets
from datalake.storage.parts import read_in_parts

Opener = Callable[[], BinaryIO]


def check_sources(
    record_type: str, sources: Sequence[LakeFile], limit_bytes: int
) -> container.Summary:
    """Every source's header against its version of the schema and the catalogue. Returns what they
    hold together.

    Raises TooLarge, OutdatedSchema, CountMismatch, NotAvro.
    """
    total = sum(source.bytes for source in sources)
    if total > limit_bytes:
        raise TooLarge(
            f"{len(sources)} files of {record_type} have {total:,} bytes, which is more"
            f" than the limit of {limit_bytes:,} for a merge."
        )
    bucket = buckets.campaign_data()
    for source in sources:
        with bucket.open(source.key) as opened:
            header = container.read_header(opened)
        schema = VERSIONS.get(source.schema)
        if (
            schema is None
            or (header.schema_name, header.schema) != (schema.name, schema.avro)
            or not header.normalised
            or header.codec != container.CODEC
        ):
            raise OutdatedSchema(
                f"{source.key} was not written with a known version of the schema of"
                f" {record_type}. Convert the file or move it away."
            )
        if header.summary != container.Summary(source.records, int(source.content_hash, 16)):
            raise CountMismatch(
                f"{source.key} does not match its catalog entry. Check who changed the file."
            )
    hashes = [int(source.content_hash, 16) for source in sources]
    return container.Summary(sum(source.records for source in sources), add_hashes(hashes))


@dataclass
class Upgraded:
    """Copies of sources under a newer version of their schema, opened by key, and what that adds to
    the content hash of each day.
    """

    copies: dict[str, Opener] = field(default_factory=dict)
    changes: Counter[date] = field(default_factory=Counter)


@contextmanager
def upgraded_sources(record_type: str, sources: Sequence[LakeFile]) -> Iterator[Upgraded]:
    """Sources of an older version are decoded, and encoded under the one in force, on this
    machine's disk: all in one file, because a process may not have a thousand open. Raises NotAvro.
    """
    schema, upgraded, bucket = schema_of(record_type), Upgraded(), buckets.campaign_data()
    with tempfile.TemporaryFile() as file:
        copies = cast("BinaryIO", file)
        for source in sources:
            if source.schema == schema.name:
                continue
            start = copies.tell()
            with bucket.open(source.key) as opened:
                changes = upgrading.upgrade(opened, copies, schema, name=source.key)
            upgraded.changes.update({day.last_day: change for day, change in changes.items()})
            upgraded.copies[source.key] = partial(_copy, copies, start, copies.tell())
        copies.flush()
        yield upgraded


def _copy(copies: BinaryIO, start: int, end: int) -> BinaryIO:
    def fetch(first: int, last: int) -> bytes:
        return os.pread(copies.fileno(), last - first, start + first)

    return read_in_parts(end - start, fetch)


def write_merged(
    record_type: str,
    key: str,
    source_keys: Sequence[str],
    expected: container.Summary,
    on_source: Callable[[int], object],
    instead: Mapping[str, Opener],
) -> None:
    """Copy all blocks into one file; `on_source` is called with the number of each source before it
    is copied, and `instead` opens what is copied in the place of some. Raises CountMismatch before
    anything is published if they are not what was expected.
    """
    # every attempt makes the same bytes of the same sources
    name = key.rpartition("/")[0]
    with buckets.campaign_data().writer(key) as out:
        records = container.merge(
            out,
            schema_of(record_type),
            _opened(source_keys, on_source, instead),
            summary=expected,
            name=name,
        )
        if records != expected.records:
            raise CountMismatch(
                f"{len(source_keys)} files of {record_type} should contain {expected.records:,}"
                f" records but contain {records:,}."
            )


def _opened(
    keys: Sequence[str], on_source: Callable[[int], object], instead: Mapping[str, Opener]
) -> Iterator[BinaryIO]:
    bucket = buckets.campaign_data()
    for number, key in enumerate(keys):
        on_source(number)
        with instead.get(key, partial(bucket.open, key))() as source:
            yield source


def check_result(key: str, expected: container.Summary, limit_bytes: int) -> int:
    """Read back what was written. Returns its size; removes it and raises TooLarge or CountMismatch
    if it cannot stand.
    """
    bucket = buckets.campaign_data()
    size = bucket.size(key)
    with bucket.open(key) as written:
        header = container.read_header(written)
        records = container.count_records(written, header.sync)
    if size > limit_bytes:
        bucket.delete(key)
        raise TooLarge(
            f"The merged file {key} would have {size:,} bytes, which is more than the limit"
            f" of {limit_bytes:,}."
        )
    if header.summary != expected or records != expected.records:
        bucket.delete(key)
        raise CountMismatch(
            f"{key} contains {records:,} records instead of {expected.records:,}, so it was"
            " removed."
        )
    return size
