"""A stream of Amazon Kinesis: the only door to it. [D-1, T-1]"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from datalake.aws.clients import Patience, client
from datalake.aws.errors import stream_error, translated
from datalake.errors import NoSuchPosition, StreamUnreachable, UnknownStream

MOST_AT_ONCE = 1_000
MOST_READ = 10_000  # Kinesis gives no more records in an answer
# and takes no more in a request, nor more bytes of data and partition keys together
MOST_PUT, MOST_BYTES_PUT = 500, 5 * 2**20
MOST_BYTES_A_RECORD = 2**20
LONGEST_KEY = 256
# A stopping process waits no longer than this for an answer; the caller tries again.
PATIENCE = Patience(connect_seconds=5, read_seconds=20, tries=2)
LEAST_KEPT = timedelta(hours=24)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class StreamShard:
    """A shard, the sequence number that none of its records is below, and the shards it was made
    from by a split or a merge.
    """

    id: str
    first: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """All shards of a stream, and the instant just before Kinesis was asked."""

    shards: tuple[StreamShard, ...]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A record and its sequence number: digits, growing within its shard."""

    sequence: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to be put: its partition key decides its shard."""

    key: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.key.encode()) + len(self.data)


@dataclass(frozen=True, slots=True)
class Landed:
    """Where a record is that was put."""

    shard: str
    sequence: str


@dataclass(frozen=True, slots=True)
class Read:
    """Records in their order, where to read on (None: the shard has ended), and how old what was
    read is.

    No records say nothing: there may be some further on.
    """

    records: list[Record]
    next: str | None
    behind_seconds: float

    @property
    def at_the_tip(self) -> bool:
        """Nothing came, and nothing waits."""
        return not self.records and self.behind_seconds == 0


class KinesisStream:
    """The stream of that name. Credentials and region come as boto3 finds them. Every call raises
    StreamUnreachable, and UnknownStream where there is none of this name.
    """

    def __init__(self, name: str, *, endpoint: str = "") -> None:
        if not is_name(name):
            raise UnknownStream(
                f"{name!r} is not a valid stream name. Use at most 128 letters, digits, `_`,"
                " `.` and `-`."
            )
        self.name = name
        self._translated = partial(
            translated,
            StreamUnreachable,
            f"The stream {name} cannot be reached",
            sort=partial(stream_error, name),
        )
        with self._translated():
            self.client: Any = client("kinesis", PATIENCE, endpoint=endpoint)

    def list_shards(self) -> Listing:
        """All shards that still hold records, closed ones too."""
        asked_at = datetime.now(UTC)
        with self._translated():
            answer = self.client.list_shards(StreamName=self.name)
            found = list(answer["Shards"])
            date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date", "")
            while token := answer.get("NextToken"):
                answer = self.client.list_shards(NextToken=token)
                found += answer["Shards"]
        return Listing(tuple(map(_shard, found)), _by_their_clock(asked_at, date))

    def kept_for(self) -> timedelta:
        """For how long records are kept; where that may not be asked, the least that Kinesis
        allows.
        """
        with suppress(StreamUnreachable), self._translated():
            answer = self.client.describe_stream_summary(StreamName=self.name)
            hours = answer["StreamDescriptionSummary"]["RetentionPeriodHours"]
            return timedelta(hours=int(hours))
        return LEAST_KEPT

    def from_instant(self, shard_id: str, instant: datetime) -> str:
        """Where the records begin that came at this instant or later. Raises NoSuchPosition."""
        return self._iterator(shard_id, ShardIteratorType="AT_TIMESTAMP", Timestamp=instant)

    def from_start(self, shard_id: str) -> str:
        """Where its oldest record is. Raises NoSuchPosition."""
        return self._iterator(shard_id, ShardIteratorType="TRIM_HORIZON")

    def at(self, shard_id: str, sequence: str) -> str:
        """Where the record with this sequence number is. Raises NoSuchPosition."""
        return self._iterator(
            shard_id, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=sequence
        )

    def after(self, shard_id: str, sequence: str) -> str:
        """Behind the record with this sequence number. Raises NoSuchPosition."""
        return self._iterator(
            shard_id, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=sequence
        )

    def read(self, iterator: str, *, limit: int = MOST_AT_ONCE) -> Read:
        """Up to `limit` records from a place. Raises IteratorExpired, StreamBusy."""
        with self._translated():
            answer = self.client.get_records(ShardIterator=iterator, Limit=limit)
        records = [Record(each["SequenceNumber"], each["Data"]) for each in answer["Records"]]
        return Read(
            records,
            answer.get("NextShardIterator") or None,
            answer.get("MillisBehindLatest", 0) / 1_000,
        )

    def read_range(self, shard_id: str, first: str, last: str) -> list[Record]:
        """What the shard still has from one sequence number to another, both included. Raises
        StreamBusy.
        """
        try:
            return self.read_up_to(self.at(shard_id, first), last)
        except NoSuchPosition:
            return []

    def read_up_to(self, iterator: str, last: str, *, limit: int = MOST_AT_ONCE) -> list[Record]:
        """What there still is from a place to a sequence number, included. Raises StreamBusy."""
        found: list[Record] = []
        place: str | None = iterator
        while place:
            read = self.read(place, limit=limit)
            found += [record for record in read.records if int(record.sequence) <= int(last)]
            behind_it = bool(read.records) and int(read.records[-1].sequence) >= int(last)
            place = None if behind_it or read.at_the_tip else read.next
        return found

    def put(self, entries: Sequence[Entry]) -> list[Landed | None]:
        """Put up to 500 records and 5 MiB; where each of them is, None where Kinesis did not take
        it now. Kinesis promises no order within a request.
        """
        with self._translated():
            answer = self.client.put_records(
                StreamName=self.name,
                Records=[{"Data": each.data, "PartitionKey": each.key} for each in entries],
            )
        return [
            None if each.get("ErrorCode") else Landed(each["ShardId"], each["SequenceNumber"])
            for each in answer["Records"]
        ]

    def _iterator(self, shard_id: str, **where: Any) -> str:
        with self._translated():
            return self.client.get_shard_iterator(StreamName=self.name, ShardId=shard_id, **where)[
                "ShardIterator"
            ]


def is_name(name: str) -> bool:
    """Whether Kinesis allows a stream of this name."""
    return bool(_NAME.fullmatch(name))


def _shard(listed: Any) -> StreamShard:
    parents = [
        listed[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in listed
    ]
    return StreamShard(
        listed["ShardId"], listed["SequenceNumberRange"]["StartingSequenceNumber"], tuple(parents)
    )


def _by_their_clock(ours: datetime, date: str) -> datetime:
    """Our time, if it fits the `Date` that Kinesis gave to the second; else theirs, for records are
    found by their clock.
    """
    if not date:
        return ours
    theirs = parsedate_to_datetime(date)
    return (
        ours if theirs - timedelta(minutes=1) <= ours <= theirs + timedelta(seconds=1) else theirs
    )
