"""Blocks are unpacked by the codecs of Avro, no further than a limit. [L-3]"""

from __future__ import annotations

import pytest

from datalake.avro.block_codecs import pack, unpack
from datalake.avro.shapes import Undecodable
from datalake.storage.unpacking import TooManyBytes
from tests.support.avro_files import SYNC, written

SCHEMA = {"type": "record", "name": "r", "fields": [{"name": "text", "type": "string"}]}
CODECS = ["null", "deflate", "bzip2", "xz", "snappy"]


def block_of(codec, size):
    """The bytes of a block that holds a text of so many characters, and the block packed."""
    whole = written(SCHEMA, [{"text": "x" * size}], codec=codec, sync_marker=SYNC)
    block = whole.split(SYNC)[1]
    bare = written(SCHEMA, [{"text": "x" * size}], sync_marker=SYNC).split(SYNC)[1]
    return _behind_lengths(bare), _behind_lengths(block)


def _behind_lengths(block):
    """What stands behind the record count and the length."""
    places = [place for place, byte in enumerate(block) if byte < 128]
    return block[places[1] + 1 :]


@pytest.mark.parametrize("codec", CODECS)
def test_a_block_is_what_fastavro_packed_and_not_one_byte_more_than_allowed(codec):
    data, packed = block_of(codec, 1_000)
    assert unpack(codec, packed, most_bytes=len(data)) == data
    with pytest.raises(TooManyBytes):
        unpack(codec, packed, most_bytes=len(data) - 1)


@pytest.mark.parametrize("codec", CODECS[1:])
def test_whatever_a_codec_raises_is_one_refusal(codec):
    _, packed = block_of(codec, 1_000)
    for broken in (b"", packed[:3], packed[: len(packed) // 2], b"\xff" * 40, packed[::-1]):
        with pytest.raises(Undecodable):
            unpack(codec, broken, most_bytes=10_000)


def test_our_own_blocks_are_unpacked():
    assert unpack("snappy", pack(b"fans"), most_bytes=4) == b"fans"


def test_an_unknown_codec_is_named_with_what_to_do():
    with pytest.raises(Undecodable, match="'lz4', which is not supported: write it again with"):
        unpack("lz4", b"", most_bytes=1)
