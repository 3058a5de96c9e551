"""How much a file may hold, packed and unpacked. [S-1]"""

from __future__ import annotations

import gzip
import io
import tempfile

import pytest

from campaigns.errors import UnreadableFile
from campaigns.formats import limits
from tests.support.campaigns import score_file_bytes, score_row

ROWS = score_file_bytes(score_row(number) for number in range(2_000))


def bounded(content: bytes, most_bytes: int) -> None:
    limits.require_bounded(io.BytesIO(content), most_bytes=most_bytes)


def test_s1_a_file_may_be_as_large_as_the_limit_and_no_larger():
    bounded(ROWS, len(ROWS))
    with pytest.raises(UnreadableFile, match=f"larger than {len(ROWS) - 1:,} bytes"):
        bounded(ROWS, len(ROWS) - 1)


def test_s1_the_limit_holds_for_what_a_packed_file_unpacks_to():
    packed = gzip.compress(ROWS, mtime=0)
    bounded(packed, len(ROWS))
    with pytest.raises(UnreadableFile, match="when unpacked, which is the limit"):
        bounded(packed, len(ROWS) - 1)


def test_s1_a_packed_file_of_many_like_rows_is_no_bomb():
    bounded(gzip.compress(ROWS * 20, mtime=0), 10**9)


def test_s1_a_bomb_is_not_unpacked_further_than_tells_it(monkeypatch):
    monkeypatch.setattr(limits, "RATIO_FROM_BYTES", 1_000_000)
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            file.write(gzip.compress(bytes(10_000_000), mtime=0))
        with pytest.raises(UnreadableFile, match="100 times its size"):
            limits.require_bounded(file, most_bytes=10**12)
        assert file.tell() < 300_000  # of about 500,000 bytes


@pytest.mark.parametrize(
    "broken",
    [
        gzip.compress(ROWS, mtime=0)[:-50],
        gzip.compress(ROWS, mtime=0)[:-8] + b"12345678",
        gzip.compress(ROWS, mtime=0) + b"x",
    ],
    ids=["breaks off", "wrong checksum", "something behind"],
)
def test_s1_a_packed_file_that_breaks_off_or_lies_about_itself_is_refused(broken):
    with pytest.raises(UnreadableFile, match="cannot be unpacked"):
        bounded(broken, 10**9)
