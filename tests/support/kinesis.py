"""Kinesis and Glue as moto's server plays them, spoken to over real connections.

Moto's Kinesis differs from Amazon's where it matters here, so it is corrected: a closed shard takes
no more records, keeps those it has, and says so when it has been read to its end; a place in a
shard expires; more reads than a shard gives are refused, and some records of a request, if it is
told to; sequence numbers have the length of Amazon's; and records can grow old and be forgotten.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from moto.core.exceptions import JsonRESTError
from moto.kinesis import models
from pytest_django.fixtures import Settings

from datalake.choices import StreamName
from datalake.streams.engines import kinesis as engine
from tests.support import cloud

STREAM = "demand"
FIRST_SEQUENCE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898
STEP = 4_096  # between a record's number and the next
MIDDLE = 2**127
_shards = itertools.count()


@dataclass
class Stream:
    """The stream's server: its address, its client, and what can be done to it."""

    address: str
    client: Any
    glue: Any
    issue: int = 0
    refusals: int = 0
    reads: int = 0
    name: str = STREAM
    # partition keys and data of each request, in the order in which they were put
    requests: list[list[tuple[str, bytes]]] = field(default_factory=list)
    # whether a record of this partition key is more than its shard takes just now
    is_refused: Callable[[str], bool] = lambda key: False

    def put(self, records: Iterable[bytes], *, low: bool | None = None) -> None:
        """Put records: into the lower or the upper half of the hash keys, or one by one into
        both.
        """
        entries = []
        for number, data in enumerate(records):
            key = {
                "ExplicitHashKey": str(
                    0 if (number % 2 == 0 if low is None else low) else 2**128 - 1
                )
            }
            entries.append({"Data": data, "PartitionKey": "fan"} | key)
        for start in range(0, len(entries), 500):
            answer = self.client.put_records(
                StreamName=self.name, Records=entries[start : start + 500]
            )
            assert answer["FailedRecordCount"] == 0

    def shards(self) -> list[str]:
        return [each["ShardId"] for each in self.client.list_shards(StreamName=self.name)["Shards"]]

    def split(self, shard_id: str) -> None:
        self.client.split_shard(
            StreamName=self.name, ShardToSplit=shard_id, NewStartingHashKey=str(MIDDLE)
        )

    def merge(self, shard_id: str, other: str) -> None:
        self.client.merge_shards(
            StreamName=self.name, ShardToMerge=shard_id, AdjacentShardToMerge=other
        )

    def expire(self) -> None:
        """Every place that was given out is more than five minutes old."""
        self.issue += 1

    def refuse(self, reads: int) -> None:
        """So many of the next reads are more than a shard gives in a second."""
        self.refusals = reads

    def forget(self, records: int) -> None:
        """So many of each shard's oldest records are older than the stream keeps them."""
        for shard in self._inside().shards.values():
            for sequence in list(shard.records)[:records]:
                del shard.records[sequence]

    def age(self, seconds: float) -> None:
        """Everything in the stream came so much earlier."""
        for shard in self._inside().shards.values():
            for record in shard.records.values():
                record.created_at -= seconds

    def drop_shard(self, shard_id: str) -> None:
        """A closed shard whose records have all expired is no longer listed."""
        del self._inside().shards[shard_id]

    def make_anew(self) -> None:
        self.client.delete_stream(StreamName=self.name)
        self.client.create_stream(StreamName=self.name, ShardCount=1)

    def _inside(self) -> models.Stream:
        return _backend().streams[self.name]


@contextmanager
def running(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, shards: int = 1, name: str = STREAM
) -> Iterator[Stream]:
    """The stream `demand`, or another, and a Glue without databases. The campaign data bucket stays
    a folder.
    """
    with cloud.running(settings, monkeypatch) as found:
        # for the processes that a test starts
        monkeypatch.setenv("AWS_ENDPOINT_URL", found.address)
        kinesis, glue = (cloud.client(each, found.address) for each in ("kinesis", "glue"))
        _backend().create_stream(name, shards)
        stream = Stream(found.address, kinesis, glue, name=name)
        _correct(stream, monkeypatch)
        yield stream


@contextmanager
def engine_running(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, name: str = "fairwave-input"
) -> Iterator[Stream]:
    """Streams of records are on Kinesis; the one of this name there has two shards, the others
    have one.
    """
    settings.STREAM_ENGINE = "kinesis"
    with running(settings, monkeypatch, shards=2, name=name) as found:
        for stream in StreamName.values:
            if f"fairwave-{stream}" != name:
                _backend().create_stream(f"fairwave-{stream}", 1)
        engine.reader_of.cache_clear()
        yield found
        engine.reader_of.cache_clear()


def _backend() -> models.KinesisBackend:
    return models.kinesis_backends[cloud.ACCOUNT][cloud.REGION]


def _correct(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = models.KinesisBackend
    # between two tries of a request; up to a second each, by chance
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(models.Stream, "get_shard_for_key", _open_shard_for_key)
    monkeypatch.setattr(models.Shard, "put_record", _put_record)
    monkeypatch.setattr(models.Shard, "to_json", _begins_before_its_records(models.Shard.to_json))
    for name in ("split_shard", "merge_shards"):
        monkeypatch.setattr(models.Stream, name, _records_stay(getattr(models.Stream, name)))
    monkeypatch.setattr(backend, "get_shard_iterator", _issued(stream, backend.get_shard_iterator))
    monkeypatch.setattr(backend, "get_records", _as_amazon_does(stream, backend.get_records))
    monkeypatch.setattr(backend, "put_records", _some_refused(stream, backend.put_records))


def _open_shard_for_key(
    self: models.Stream, partition_key: str, explicit_hash_key: str
) -> models.Shard:
    hashed = hashlib.md5(partition_key.encode(), usedforsecurity=False)
    key = int(explicit_hash_key) if explicit_hash_key else int(hashed.hexdigest(), 16)
    return next(
        each
        for each in self.shards.values()
        if each.is_open and each.starting_hash <= key <= each.ending_hash
    )


def _first(shard: models.Shard) -> int:
    """Of a shard that was made at this moment. Numbers grow from shard to shard, and from a stream
    to its successor.
    """
    if not hasattr(shard, "first"):
        shard.first = FIRST_SEQUENCE + next(_shards) * 10**40
    return shard.first


def _begins_before_its_records(to_json: Any) -> Any:
    def described(self: models.Shard) -> dict[str, Any]:
        described = to_json(self)
        described["SequenceNumberRange"]["StartingSequenceNumber"] = str(_first(self))
        return described

    return described


def _put_record(self: models.Shard, partition_key: str, data: str, explicit_hash_key: str) -> str:
    newest = self.get_max_sequence_number() or getattr(self, "newest", _first(self))
    sequence = self.newest = newest + STEP
    self.records[sequence] = models.Record(partition_key, data, sequence, explicit_hash_key)
    return str(sequence)


def _records_stay(resharding: Any) -> Any:
    def resharded(self: models.Stream, *shard: str) -> None:
        kept = {name: each.records for name, each in self.shards.items()}
        for each in self.shards.values():
            each.records = OrderedDict()
        resharding(self, *shard)
        for name, records in kept.items():
            self.shards[name].records = records

    return resharded


def _some_refused(stream: Stream, put_records: Any) -> Any:
    """Kinesis takes a part of a request, and says of each of the others why not."""

    def put(
        self: models.KinesisBackend, arn: str, name: str, records: list[dict[str, Any]]
    ) -> dict[str, Any]:
        stream.requests.append(
            [(each["PartitionKey"], base64.b64decode(each["Data"])) for each in records]
        )
        taken = [not stream.is_refused(each["PartitionKey"]) for each in records]
        answer = put_records(self, arn, name, list(itertools.compress(records, taken)))
        landed = iter(answer["Records"])
        too_fast = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Slow"}
        return {
            "FailedRecordCount": taken.count(False),
            "Records": [next(landed) if each else too_fast for each in taken],
        }

    return put


def _issued(stream: Stream, get_shard_iterator: Any) -> Any:
    def issued(self: models.KinesisBackend, *arguments: Any, **more: Any) -> str:
        _refuse_unknown_position(self, *arguments, **more)
        return f"{get_shard_iterator(self, *arguments, **more).strip()}~{stream.issue}"

    return issued


def _refuse_unknown_position(
    backend: models.KinesisBackend,
    arn: str,
    name: str,
    shard_id: str,
    kind: str,
    sequence: str,
    instant: Any,
) -> None:
    """Amazon refuses numbers that the shard has never given, and instants that are still to
    come.
    """
    found = backend.describe_stream(arn, name).shards.get(shard_id)
    if (
        found
        and "SEQUENCE_NUMBER" in kind
        and not _first(found) <= int(sequence) <= getattr(found, "newest", 0)
    ):
        message = (
            f"StartingSequenceNumber {sequence} used in GetShardIterator on shard {shard_id} is"
            " invalid."
        )
        raise JsonRESTError("InvalidArgumentException", message)
    if kind == "AT_TIMESTAMP" and _seconds(instant) > time.time():
        raise JsonRESTError(
            "InvalidArgumentException", "The timestampInMillis parameter cannot be in the future."
        )


def _seconds(instant: Any) -> float:
    return instant.timestamp() if isinstance(instant, datetime) else float(instant)


def _as_amazon_does(stream: Stream, get_records: Any) -> Any:
    def got(
        self: models.KinesisBackend, arn: str, iterator: str, limit: int | None
    ) -> tuple[str | None, list[Any], int]:
        place, _, issue = iterator.rpartition("~")
        if int(issue) < stream.issue:
            raise JsonRESTError("ExpiredIteratorException", "Iterator expired.")
        if stream.refusals:
            stream.refusals -= 1
            raise JsonRESTError(
                "ProvisionedThroughputExceededException", "Rate exceeded for shard."
            )
        stream.reads += 1
        following, records, behind = get_records(self, arn, place, limit)
        name, shard_id, last = models.decompose_shard_iterator(following)
        shard = self.describe_stream(None, name).shards[shard_id]
        at_the_end = not shard.is_open and int(last) >= shard.get_max_sequence_number()
        waiting = any(sequence > int(last) for sequence in shard.records)
        behind = max(behind, 1) if waiting else 0
        return None if at_the_end else f"{following.strip()}~{stream.issue}", records, behind

    return got
