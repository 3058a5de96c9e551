"""A score file as it lies there: checksum, lines, and whose id stands in it twice. [S-3, S-12]"""

from __future__ import annotations

import gzip
import hashlib
import io

import pytest

from campaigns.errors import UnreadableFile
from campaigns.formats.score_bytes import chunks_of, first_look, sha256_of, survey
from tests.campaigns.scoring.surveys import duplicate_lines, surveyed
from tests.support.campaigns import score_file_bytes, score_row


def test_the_checksum_and_size_are_those_of_the_bytes_as_they_came():
    content = score_file_bytes([score_row()], packed=True)
    assert sha256_of(io.BytesIO(content)) == (hashlib.sha256(content).hexdigest(), len(content))


def test_gzip_is_recognized_by_its_bytes():
    rows = [score_row(1), score_row(1)]
    assert duplicate_lines(score_file_bytes(rows, packed=True)) == [3]


def test_a_file_that_changed_since_it_was_received_is_refused():
    with pytest.raises(UnreadableFile, match="checksum"):
        survey(io.BytesIO(score_file_bytes([score_row()])), "0" * 64)


@pytest.mark.parametrize(
    "content", [score_file_bytes(), score_file_bytes(packed=True), score_file_bytes().rstrip(b"\n")]
)
def test_a_header_alone_is_no_score_file(content):
    with pytest.raises(UnreadableFile, match="header but no rows"):
        first_look(io.BytesIO(content))
    with pytest.raises(UnreadableFile, match="header but no rows"):
        surveyed(content)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_no_score_file(content):
    with pytest.raises(UnreadableFile, match="empty"):
        first_look(io.BytesIO(content))


@pytest.mark.parametrize(
    ("end", "lines"), [(b"", 2), (b"\n", 2), (b"\n\n", 3), (b"\r\n\r\n", 3), (b"\nx", 3)]
)
def test_every_line_is_counted_a_blank_one_and_one_without_end_too(end, lines):
    content = score_file_bytes([score_row(1), score_row(2)]).rstrip(b"\n") + end
    assert (
        surveyed(content).lines
        == lines
        == sum(chunk.count for chunk in chunks_of(io.BytesIO(content)))
    )


PACKED = score_file_bytes([score_row(n) for n in range(5_000)], packed=True)


@pytest.mark.parametrize(
    "broken",
    [
        PACKED[: len(PACKED) // 2],
        PACKED[:-4],
        PACKED[:15],
        PACKED[:2],
        PACKED[: len(PACKED) // 2] + b"\xff" * 40 + PACKED[len(PACKED) // 2 + 40 :],
        PACKED[:10] + b"\xff" * 20 + PACKED[30:],
        PACKED + b"what is this",
        PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
    ],
    ids=[
        "half",
        "without its end",
        "only its head",
        "only its mark",
        "damaged",
        "damaged at once",
        "with a tail",
        "wrong checksum",
    ],
)
def test_broken_gzip_is_one_clear_error(broken):
    """[S-1]"""
    with pytest.raises(UnreadableFile, match=r"gzip|Upload it again|first line"):
        list(chunks_of(io.BytesIO(broken)))


def test_text_in_a_file_named_gz_is_read_as_text():
    assert first_look(io.BytesIO(score_file_bytes([score_row()]))).columns[0] == "id"
