"""Bytes → rows: every line is counted once, whatever it holds. [S-1, S-3]"""

from __future__ import annotations

import io
import os

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import UnreadableFile
from campaigns.formats.score_rows import (
    KEPT_OF_A_LONG_LINE,
    LONGEST_ID,
    LONGEST_LINE,
    REQUIRED,
    Lines,
    read_chunks,
    read_header,
)
from tests.support.campaigns import COLUMNS, score_row

MANY = 2_000 if os.environ.get("FAIRWAVE_FULL") else 150
HEADER = "\t".join(COLUMNS).encode()


def row(**fields: str) -> bytes:
    return "\t".join(score_row(**fields).values()).encode()


def read(
    *lines: bytes,
    header: bytes = HEADER,
    newline: bytes = b"\n",
    end: bytes = b"\n",
    block_bytes: int = 1 << 20,
) -> list[Lines]:
    file = io.BytesIO(newline.join(lines) + end)
    return list(read_chunks(file, read_header(header + newline), block_bytes))


def outcome(*lines: bytes, **how: object) -> tuple[list[int], list[int]]:
    """Line numbers of the well-formed rows and of the malformed ones."""
    chunks = read(*lines, **how)
    return [n for c in chunks for n in c.rows["line"]], [n for c in chunks for n in c.malformed]


def test_columns_are_found_by_name_in_any_order_and_others_are_listed():
    header = read_header(
        b"city\traw_local_fanscore\tcountry_code\tmember_id\tglobal_user_id\tsms\ttmemail\tid\tphone_confirmed\tage\n"
    )
    assert header.ignored == ("city", "age")
    assert set(header.used) == {*REQUIRED, "phone_confirmed"}
    (chunk,) = read_chunks(
        io.BytesIO(b"Bonn\t0.7\tDE\tm\tf\t+49\ta@b.example\t1\tyes\t9\n"), header
    )
    assert chunk.rows.row(0, named=True) == {
        "line": 2,
        "id": "1",
        "tmemail": "a@b.example",
        "sms": "+49",
        "global_user_id": "f",
        "member_id": "m",
        "raw_local_fanscore": "0.7",
        "country_code": "DE",
        "phone_confirmed": "yes",
    }


def test_a_bom_and_blanks_around_names_do_not_matter():
    assert (
        read_header(b"\xef\xbb\xbf" + HEADER.replace(b"\t", b" \t ") + b"\r\n").columns == COLUMNS
    )


def test_a_needless_column_may_stand_twice_a_needed_one_may_not():
    assert read_header(HEADER + b"\tcity\tcity").ignored == ("city", "city")
    with pytest.raises(UnreadableFile, match="has a column twice: sms"):
        read_header(HEADER + b"\tsms")


@pytest.mark.parametrize(
    ("first_line", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"  \r\n", "blank line"),
        (b"PK\x03\x04\x14\x00", "control characters"),
        (b"\xff\xfei\x00d\x00", "UTF-8"),
        (HEADER.replace(b"\t", b","), "has commas and no tabs"),
        (HEADER.replace(b"\tsms", b""), "is missing the column sms"),
        (HEADER.upper(), "is missing the columns"),
    ],
)
def test_what_is_no_score_file_is_refused_by_its_first_line(first_line, says):
    with pytest.raises(UnreadableFile, match=says):
        read_header(first_line)


def test_line_numbers_are_the_files_and_blank_lines_count():
    assert outcome(row(), b"", row(), b"   ", row()) == ([2, 4, 6], [3, 5])


def test_crlf_lf_and_a_missing_last_end_all_read_alike():
    assert outcome(row(), row(), newline=b"\r\n", end=b"\r\n") == ([2, 3], [])
    assert outcome(row(), row(), end=b"") == ([2, 3], [])
    assert outcome(row() + b"\r", row()) == ([2, 3], [])


@pytest.mark.parametrize(
    "line",
    [
        row().rpartition(b"\t")[0],
        row() + b"\textra",
        row(tmemail="a\x00@b.example"),
        row(tmemail="a\x07@b.example"),
        row(member_id="m\rm"),
        row(member_id="\x7f"),
        row(member_id="\x85"),
        row(member_id="\u009f"),
        row().replace(b"@", b"\xff@"),
        row().replace(b"@", b"\xed\xa0\x80@"),
        row().replace(b"@", b"\xc3"),
        row(global_user_id="x" * (LONGEST_ID + 1)),
        row(member_id="x" * LONGEST_LINE),
    ],
    ids=lambda line: repr(line[:60]),
)
def test_a_malformed_row_spoils_no_other(line):
    """Wrong number of columns, not UTF-8, a control character (C0, DEL or C1) [S-3]; or longer than
    a database can hold.
    """
    assert outcome(row(), line, row()) == ([2, 4], [3])


def test_what_merely_looks_odd_is_well_formed():
    odd = [
        row(member_id=text)
        for text in ('“quoted"', "ü\u00a0", "\u200b", "\u2028", "'", "\\N", "\\.", "NULL", "﻿bom")
    ]
    chunks = read(*odd)
    assert [c.malformed for c in chunks] == [[]]
    assert chunks[0].rows["member_id"].to_list()[:2] == ['“quoted"', "ü"]


def test_fields_are_trimmed_of_unicode_white_space():
    """[S-2]"""
    (chunk,) = read(row(tmemail=" \u2003a@b.example\u00a0", member_id="\u3000"))
    assert chunk.rows["tmemail"].to_list() == ["a@b.example"]
    assert chunk.rows["member_id"].to_list() == [""]


def test_a_bom_inside_the_file_stays_what_it_is_wherever_a_block_begins():
    for block_bytes in (1 << 20, len(row()) + 1):
        chunks = read(row(), row(id="7\ufeff7"), row(id="\ufeff8"), block_bytes=block_bytes)
        assert [value for c in chunks for value in c.rows["id"]] == ["1", "7\ufeff7", "8"]


@pytest.mark.parametrize("block_bytes", [1 << 20, 8 << 20, 64 << 20])
def test_a_line_of_five_megabytes_is_one_malformed_row_wherever_blocks_end(block_bytes):
    long = row(member_id="x" * 5_000_000)
    chunks = read(row(), long, row(), long, row(), block_bytes=block_bytes)
    assert [n for c in chunks for n in c.rows["line"]] == [2, 4, 6]
    assert [n for c in chunks for n in c.malformed] == [3, 5]
    kept = {raw for c in chunks for raw in c.raws(pl.Series(c.malformed, dtype=pl.Int64))}
    assert kept == {long[:KEPT_OF_A_LONG_LINE].decode()}


def test_a_long_line_without_end_is_the_last_row():
    assert outcome(row(), b"x" * 3_000_000, end=b"", block_bytes=1 << 16) == ([2], [3])


def test_a_raw_line_is_readable_whatever_its_bytes():
    """[S-11]"""
    (chunk,) = read(b"a\xffb\x00c\r", row(), b"", b"\xe2\x82", b"\r\r")
    assert chunk.raws(pl.Series([2, 4, 5, 6])).to_list() == [
        "a\\xffb\\x00c",
        "",
        "\\xe2\\x82",
        "\r",
    ]


@settings(max_examples=MANY)
@given(
    st.lists(
        st.one_of(st.just(row()), st.binary(max_size=30), st.text(max_size=20).map(str.encode)),
        max_size=25,
    ),
    st.integers(1, 400),
    st.booleans(),
)
def test_any_bytes_are_rows_or_malformed_rows_each_line_once_in_any_blocks(
    lines, block_bytes, ended
):
    """[S-3]"""
    content = b"\n".join(lines) + b"\n" * ended
    expected = content.removesuffix(b"\n").split(b"\n") if content else []
    found = {}
    for size in (block_bytes, 1 << 20):
        chunks = list(read_chunks(io.BytesIO(content), read_header(HEADER), size))
        rows = {row["line"]: row for c in chunks for row in c.rows.iter_rows(named=True)}
        malformed = [n for c in chunks for n in c.malformed]
        assert sorted([*rows, *malformed]) == list(range(2, len(expected) + 2))
        assert all(plainly_well_formed(expected[n - 2]) for n in rows)
        assert not any(plainly_well_formed(expected[n - 2]) for n in malformed)
        found[size] = (rows, malformed)
    assert found[block_bytes] == found[1 << 20]


def plainly_well_formed(line: bytes) -> bool:
    """S-3's `malformed_row`, read in plain Python."""
    try:
        text = line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return False
    fields = text.split("\t")
    return len(fields) == len(COLUMNS) and not any(
        ord(c) < 32 or 127 <= ord(c) < 160 for field in fields for c in field
    )
