from __future__ import annotations

import gzip
import io

import pytest

from datalake.storage.unpacking import (
    PIECE,
    UNREADABLE,
    Bounds,
    PackedTooTightly,
    TooManyBytes,
    bounded_pieces,
    is_packed,
    unpacked,
)
from tests.support.doors import around

TEXT = b"".join(b"%d\n" % number for number in range(10_000))


def bounds(**changed):
    return Bounds(
        **({"most_bytes": 10**9, "largest_ratio": 100, "ratio_from_bytes": 1000} | changed)
    )


def test_a_packed_file_is_told_by_its_bytes_and_stands_at_its_start_again():
    for content, packed in ((gzip.compress(TEXT), True), (TEXT, False), (b"", False)):
        file = io.BytesIO(content)
        file.read(7)
        assert is_packed(file) is packed
        assert file.tell() == 0


def test_a_file_reads_the_same_packed_or_not_from_wherever_it_stands():
    for content in (TEXT, gzip.compress(TEXT)):
        file = io.BytesIO(content)
        file.seek(5)
        assert unpacked(file).read() == TEXT
        file.seek(5)
        assert b"".join(bounded_pieces(file, bounds())) == TEXT


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_file_may_hold_as_much_as_its_bounds_say_and_no_more(pack):
    file = io.BytesIO(pack(TEXT))
    assert sum(map(len, bounded_pieces(file, bounds(most_bytes=len(TEXT))))) == len(TEXT)
    with pytest.raises(TooManyBytes):
        list(bounded_pieces(file, bounds(most_bytes=len(TEXT) - 1)))


def test_a_bomb_is_not_unpacked_further_than_shows_it():
    file = io.BytesIO(gzip.compress(b"\0" * 50 * PIECE))
    pieces, seen = bounded_pieces(file, bounds()), []
    with pytest.raises(PackedTooTightly):
        seen.extend(pieces)
    assert len(seen) < 10
    assert file.tell() < len(file.getvalue())


def test_the_ratio_counts_from_a_size_on_and_for_packed_files_only():
    zeros = b"\0" * 3 * PIECE
    assert sum(map(len, bounded_pieces(io.BytesIO(zeros), bounds(largest_ratio=0)))) == len(zeros)
    packed = io.BytesIO(gzip.compress(zeros))
    generous = bounds(ratio_from_bytes=len(zeros))
    assert sum(map(len, bounded_pieces(packed, generous))) == len(zeros)
    with pytest.raises(PackedTooTightly):
        list(bounded_pieces(packed, bounds(ratio_from_bytes=len(zeros) - 1)))


@pytest.mark.parametrize("spoil", [lambda b: b[:-9], lambda b: b[:50] + b"\xff" * 20 + b[70:]])
def test_a_broken_packed_file_raises_what_readers_expect(spoil):
    with pytest.raises(UNREADABLE):
        list(bounded_pieces(io.BytesIO(spoil(gzip.compress(TEXT))), bounds()))


def test_gzip_is_read_through_one_module():
    assert around("datalake/storage/unpacking.py", r"import gzip|GzipFile|x1f.x8b") == []
