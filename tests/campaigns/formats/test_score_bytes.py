"""A score file as it lies there: checksum, lines, and whose id stands in it twice. [S-3, S-12]"""

from __future__ import annotations

import gzip
import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import UnreadableFile
from campaigns.formats import score_rows
from campaigns.formats.score_bytes import chunks_of, first_look, sha256_of, survey
from campaigns.models import Campaign
from campaigns.scoring import judging
from tests.support.campaigns import SALT, score_file_bytes, score_row


def surveyed(content: bytes):
    return survey(io.BytesIO(content), hashlib.sha256(content).hexdigest())


def duplicate_lines(content: bytes) -> list[int]:
    file, campaign = io.BytesIO(content), Campaign(campaign_id="c", salt=SALT)
    found = [
        reading.lines.rows.filter(reading.are_repeated)["line"].to_list()
        for reading in judging.read(chunks_of(file), campaign, surveyed(content).lines)
    ]
    return [line for lines in found for line in lines]


def test_the_checksum_and_size_are_those_of_the_bytes_as_they_came():
    content = score_file_bytes([score_row()], packed=True)
    assert sha256_of(io.BytesIO(content)) == (hashlib.sha256(content).hexdigest(), len(content))


def test_a_later_row_of_a_fan_is_a_duplicate_whatever_became_of_the_earlier():
    rows = [
        score_row(1),
        score_row(2, raw_local_fanscore="no"),
        score_row(2),
        score_row(1),
        score_row(3),
        score_row(2),
    ]
    assert surveyed(score_file_bytes(rows)).lines == 6
    assert duplicate_lines(score_file_bytes(rows)) == [4, 5, 7]


def test_a_row_without_an_id_or_malformed_is_nobodys_duplicate_nor_original():
    rows = [
        score_row(1, global_user_id=" "),
        score_row(2, global_user_id=""),
        b"1\t\t\tfan-9",
        score_row(9),
        b"",
    ]
    assert duplicate_lines(score_file_bytes(rows)) == []


def test_ids_are_compared_trimmed_and_exactly():
    rows = [score_row(1, global_user_id=name) for name in ("a", " a\u00a0", "A", "a.", "a")]
    assert duplicate_lines(score_file_bytes(rows)) == [3, 6]


def test_gzip_is_told_by_its_bytes():
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


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "", "é", "e"]), min_size=1, max_size=40),
    st.integers(40, 500),
)
def test_duplicates_are_found_across_blocks(ids, block_bytes):
    seen, expected = set(), []
    for line, name in enumerate(ids, start=2):
        if name in seen:
            expected.append(line)
        seen |= {name} - {""}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_rows.read_chunks, "__defaults__", (block_bytes,))
        content = score_file_bytes(
            [score_row(n, global_user_id=name) for n, name in enumerate(ids)]
        )
        assert duplicate_lines(content) == expected
