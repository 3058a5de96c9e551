"""Old batches of the streams are deleted, with the note of what they delivered. The files of the
archive, their entries in the catalog and the snapshots stay: only the snapshots know in which files
a fan is, when the fan is erased. So do batches with an error file, which may be replayed, and those
of uploads, which are their ledger. [O-10, X-11, D-5]
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from operations.retention.kinds import Kept, until_none

BATCHES_AT_A_TIME: Final = 1_000
_DELETE = """
WITH old AS (
    SELECT id FROM demand_batch AS batch
    WHERE created_at < %(before)s AND state <> 'open' AND source LIKE 'kinesis:%%'
        AND NOT EXISTS (SELECT FROM demand_errorfile WHERE batch_id = batch.id)
    ORDER BY created_at LIMIT %(most)s
), delivered AS (
    DELETE FROM demand_delivery WHERE batch_id IN (SELECT id FROM old)
)
DELETE FROM demand_batch WHERE id IN (SELECT id FROM old)
"""


def old_batches(before: datetime) -> Iterator[int]:
    yield from until_none(_DELETE, most=BATCHES_AT_A_TIME, before=before)


KEPT: Final = (Kept("batches of the demand archive", "RETENTION_BATCH_DAYS", old_batches),)
