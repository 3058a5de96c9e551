"""Which shards of a stream may be read. [T-1]"""

from __future__ import annotations

from datalake.streams.lineage import Shard, readable, source_of, stream_of

SPLIT_AND_MERGED = [
    Shard("0"),
    Shard("1", ("0",)),
    Shard("2", ("0",)),
    Shard("3", ("1", "2")),
    Shard("4", ("gone",)),
]


def test_t1_a_shard_is_read_once_all_it_was_made_from_is_read_to_the_end():
    assert readable(SPLIT_AND_MERGED, set()) == ["0", "4"]
    assert readable(SPLIT_AND_MERGED, {"0"}) == ["1", "2", "4"]
    assert readable(SPLIT_AND_MERGED, {"0", "1"}) == ["2", "4"]
    assert readable(SPLIT_AND_MERGED, {"0", "1", "2"}) == ["3", "4"]


def test_a_source_names_its_stream_and_its_shard_if_there_are_several():
    assert source_of("input", "") == "input"
    assert stream_of(source_of("input", "shardId-000000000001")) == "input"
