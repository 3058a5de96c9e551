"""The codecs of Avro blocks: unpacked no further than a limit. Pure. [L-3]"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import cramjam

from datalake.avro.shapes import Undecodable
from datalake.storage.unpacking import TooManyBytes

OURS = "snappy"
CHECKSUM_BYTES = 4  # behind each snappy block
XZ_MEMORY = 256 << 20  # bytes that unpacking may take; what xz packs at its best needs 65 MB


def pack(data: bytes) -> bytes:
    """A block as files of ours have it: snappy, and the checksum of its records."""
    return bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(CHECKSUM_BYTES)


def unpack(codec: str, packed: bytes, *, most_bytes: int) -> bytes:
    """A block's records. Raises Undecodable, and TooManyBytes for a block of more than
    `most_bytes`, of which no more are unpacked.
    """
    if codec not in _READERS:
        raise Undecodable(
            f"it is compressed with {codec[:80]!r}, which is not supported: write it again with"
            " snappy, deflate, bzip2, xz or no codec"
        )
    try:
        data = _READERS[codec](packed, most_bytes)
    except (zlib.error, lzma.LZMAError, cramjam.DecompressionError, OSError, EOFError) as error:
        raise Undecodable("a block is damaged and cannot be unpacked") from error
    if len(data) > most_bytes:
        raise TooManyBytes
    return data


def _snappy(packed: bytes, most_bytes: int) -> bytes:
    content = packed[:-CHECKSUM_BYTES]
    if cramjam.snappy.decompress_raw_len(content) > most_bytes:
        raise TooManyBytes
    data = bytes(cramjam.snappy.decompress_raw(content))
    if zlib.crc32(data).to_bytes(CHECKSUM_BYTES) != packed[-CHECKSUM_BYTES:]:
        raise Undecodable("the checksum of a block does not match")
    return data


def _as_far_as(unpacker: Any, packed: bytes, most_bytes: int) -> bytes:
    """One byte more than allowed shows that there are too many. Raises EOFError for a block that
    breaks off.
    """
    data: bytes = unpacker.decompress(packed, most_bytes + 1)
    if len(data) <= most_bytes and not unpacker.eof:
        raise EOFError
    return data


_READERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "null": lambda packed, most_bytes: packed,
    "deflate": lambda packed, most_bytes: _as_far_as(
        zlib.decompressobj(-zlib.MAX_WBITS), packed, most_bytes
    ),
    "bzip2": lambda packed, most_bytes: _as_far_as(bz2.BZ2Decompressor(), packed, most_bytes),
    "xz": lambda packed, most_bytes: _as_far_as(
        lzma.LZMADecompressor(memlimit=XZ_MEMORY), packed, most_bytes
    ),
    OURS: _snappy,
}
