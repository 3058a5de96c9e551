"""Files of ours under an older version of their schema → the same records under the newer one. A
field that is new has no value. [L-1, L-3]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice
from typing import Any, BinaryIO

from datalake.avro import columns, container
from datalake.avro.columns import MODULUS
from datalake.layout import Period
from datalake.records import frame_of, partition_day
from datalake.schemas import Schema

SLICE_RECORDS = 20_000  # as Python values some 25 MB


def upgrade(source: BinaryIO, out: BinaryIO, newer: Schema, *, name: str) -> Mapping[Period, int]:
    """Write a container file of the records of `source` for a merge to copy blocks from: its header
    has no summary. `newer` is the version in force. Returns for each day what the upgrade adds to
    the content hash of its records, modulo 2^256. Raises NotAvro, with `name`. [L-9]
    """
    nothing = container.Summary(0, 0)
    sync = container.sync_marker(name, nothing)
    out.write(container.header_bytes(newer, nothing, sync))
    changes: Counter[Period] = Counter()
    records = container.split(source, name=name)
    while part := list(islice(records, SLICE_RECORDS)):
        filled: list[dict[str, Any]] = [
            {field.name: old.get(field.name) for field in newer.fields} for old, _ in part
        ]
        encoded = columns.encode(newer.record_type, frame_of(newer.record_type, filled))
        container.write_blocks(out, encoded, sync)
        days: dict[Period, list[int]] = defaultdict(list)
        for number, record in enumerate(filled):
            days[partition_day(record["date"]["created"])].append(number)
        for day, numbers in days.items():
            before = columns.content_hash([part[number][1] for number in numbers])
            after = columns.content_hash([encoded[number] for number in numbers])
            changes[day] += after - before
    return {day: change % MODULUS for day, change in changes.items()}
