"""Old batches, identities, dead letters and messages are deleted, a bounded number in each
transaction. [O-10]
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import Min

from datalake import streams
from datalake.choices import StreamName
from datalake.models import DeadLetter
from datalake.parity import published
from datalake.streams import consumers
from operations.database.statements import first_row, run
from operations.retention.kinds import Kept, until_none

ROWS_AT_A_TIME: Final = 500  # batches, letters, messages
PAGES_AT_A_TIME: Final = 500  # of the table of identities, 8 KiB each
PAGE: Final = 8_192
FARTHEST: Final = 2**62
_BATCHES = """
DELETE FROM datalake_streambatch WHERE id IN (
    SELECT id FROM datalake_streambatch
    WHERE stream = %(stream)s AND position <= %(consumed)s AND published_at < %(before)s
        AND (%(here)s OR handed_over IS NOT NULL)
    ORDER BY position LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
# The table has no index of ages: it is read once, page by page, and each part is a transaction.
_IDENTITIES = """
DELETE FROM datalake_seenrecord AS seen USING datalake_claim AS claim
WHERE seen.ctid >= %(first)s::tid AND seen.ctid < %(end)s::tid AND claim.id = seen.claim
    AND claim.state = 'done' AND claim.done_at < %(before)s
    AND (claim.is_counted OR claim.consumer <> 'lake')
"""
# What found its identities by a claim would not find it any more, and a file of the lake, or what
# was adopted from a bucket, is known by its claim.
_FIRST_IN_USE = """
SELECT min(claim) FROM datalake_seenrecord
WHERE ctid >= %(first)s::tid AND ctid < %(end)s::tid
"""
_CLAIMS = """
DELETE FROM datalake_claim WHERE id IN (
    SELECT id FROM datalake_claim AS claim
    WHERE done_at < %(before)s AND state = 'done' AND id < %(in_use)s
        AND (is_counted OR consumer <> 'lake') AND source NOT LIKE 'file:%%'
        AND NOT EXISTS (SELECT FROM datalake_lakefile WHERE claim_id = claim.id)
    ORDER BY done_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
_LETTERS = """
DELETE FROM datalake_deadletter WHERE id IN (
    SELECT id FROM datalake_deadletter
    WHERE coalesce(replayed_at, dropped_at) < %(before)s
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
_MESSAGES = """
DELETE FROM datalake_queuemessage WHERE id IN (
    SELECT message.id FROM datalake_queuemessage AS message
    WHERE message.state <> 'waiting' AND message.settled_at < %(before)s AND NOT EXISTS (
        SELECT 1 FROM datalake_deadletter AS letter
        WHERE letter.consumer = message.queue || '-queue'
            AND letter.source = 'queue:' || message.queue AND letter.position = message.id
            AND letter.replayed_at IS NULL AND letter.dropped_at IS NULL)
    ORDER BY message.id LIMIT %(most)s FOR UPDATE OF message SKIP LOCKED)
"""


def old_batches(before: datetime) -> Iterator[int]:
    """Those that every consumer of their stream, and parity, has behind it; of a stream outside the
    database only those that it has.
    """
    here = not streams.is_outside()
    for stream in StreamName.values:
        values = {"stream": stream, "consumed": _consumed(stream), "before": before, "here": here}
        yield from until_none(_BATCHES, most=ROWS_AT_A_TIME, **values)


def _consumed(stream: str) -> int:
    """Up to where the slowest consumer has come; 0 where one has not begun. What has no consumer is
    read by nobody.
    """
    names = {each.consumer for each in consumers.registered() if each.stream == stream}
    if "lake" in names:
        names.add(published.CONSUMER)
    return min((streams.reached(name, stream) for name in names), default=FARTHEST)


def old_identities(before: datetime) -> Iterator[int]:
    """Not those that a dead letter which still waits may meet again when it is replayed."""
    oldest = DeadLetter.objects.waiting().aggregate(at=Min("created_at"))["at"]
    before = min(before, oldest) if oldest else before
    for span in _spans_of_identities():
        yield run(_IDENTITIES, before=before, **span)


def _spans_of_identities() -> Iterator[dict[str, str]]:
    """The pages of their table as it is now; what comes later has newer claims."""
    (size,) = first_row("SELECT pg_relation_size('datalake_seenrecord')") or (0,)
    for page in range(0, size // PAGE + 1, PAGES_AT_A_TIME):
        yield {"first": f"({page},0)", "end": f"({page + PAGES_AT_A_TIME},0)"}


def old_claims(before: datetime) -> Iterator[int]:
    """Not those of identities that are still kept: the table of identities is read once for it, in
    parts, each a transaction of its own.
    """
    in_use = FARTHEST
    for span in _spans_of_identities():
        (first,) = first_row(_FIRST_IN_USE, **span) or (None,)
        in_use = in_use if first is None else min(in_use, first)
        yield 0
    yield from until_none(_CLAIMS, most=ROWS_AT_A_TIME, before=before, in_use=in_use)


def settled_letters(before: datetime) -> Iterator[int]:
    yield from until_none(_LETTERS, most=ROWS_AT_A_TIME, before=before)


def settled_messages(before: datetime) -> Iterator[int]:
    """Not those of dead letters that wait: replayed, they are these messages again."""
    yield from until_none(_MESSAGES, most=ROWS_AT_A_TIME, before=before)


KEPT: Final = (
    Kept("stream batches", "RETENTION_STREAM_DAYS", old_batches),
    Kept("identities of records", "RETENTION_IDENTITY_DAYS", old_identities),
    Kept("finished claims of consumers", "RETENTION_CLAIM_DAYS", old_claims),
    Kept("settled dead letters", "RETENTION_DEAD_LETTER_DAYS", settled_letters),
    Kept("messages of queues", "RETENTION_STREAM_DAYS", settled_messages),
)
