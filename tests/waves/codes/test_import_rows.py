"""Rows of code files: each has one outcome. [K-1, K-3]"""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import UnreadableFile
from waves.codes import import_rows
from waves.codes.import_rows import batches, judge, last_line, read_columns

MARKETS = {"west": 11, "east": 12}


def judged(content: bytes, market: int | None = None) -> dict[int, tuple]:
    """By line: the code, the only market's key, and why it is rejected."""
    return {
        row["line"]: (row["code"], row["only_market"], row["reason"])
        for lines in batches(io.BytesIO(content))
        for row in judge(lines, MARKETS, market=market).iter_rows(named=True)
    }


def reasons(content: bytes) -> dict[int, str]:
    return {line: reason for line, (_, _, reason) in judged(content).items()}


def test_each_row_is_a_code_for_every_market_for_its_own_or_for_the_one_of_the_import():
    content = b"code,marketId\nAAA,\nBBB,east\n"
    assert judged(content) == {2: ("AAA", None, None), 3: ("BBB", 12, None)}
    assert judged(content, 11) == {2: ("AAA", 11, None), 3: ("BBB", 12, None)}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"", "empty"),
        (b" \xe2\x80\x8b", "empty"),
        (b"A" * 65, "too_long"),
        (b"tM", "placeholder"),
        (b"AB CD", "bad_characters"),
        ("STRASSE\u00df".encode(), "bad_characters"),
        (b"=1+1", "formula"),
        (b"+12065550100", "formula"),
        (b"-X", "formula"),
        (b"@SUM(A1)", "formula"),
        (b"AB\x07CD", "malformed_row"),
        (b"AB\x00CD", "malformed_row"),
        (b"\xff\xfe", "malformed_row"),
        (b'AB"CD', "bad_characters"),
        (b'"ABCD', "bad_characters"),
        (b"AB\tCD", "bad_characters"),
    ],
)
def test_what_is_no_code_is_rejected_with_its_reason(code, reason):
    """K-1, K-3"""
    assert reasons(b"code\nGOOD1\n" + code + b"\nGOOD2\n") == {2: None, 3: reason, 4: None}


def test_a_row_of_too_many_columns_and_one_of_an_unknown_market_are_rejected():
    content = b"code,marketId\nAAA,west,more\nBBB\nCCC,north\nDDD,WEST\n"
    assert reasons(content) == {
        2: "malformed_row",
        3: "malformed_row",
        4: "unknown_market",
        5: "unknown_market",
    }


def test_a_header_names_its_columns_in_any_case_and_order_and_the_others_are_ignored():
    columns = read_columns(io.BytesIO(b"\xef\xbb\xbfTier\tMARKETID\tCode\r\n"))
    assert (columns.used, columns.ignored) == (("marketId", "code"), ("Tier",))
    assert judged(b"Tier\tMARKETID\tCode\r\ngold\twest\tAAA\r\n") == {2: ("AAA", 11, None)}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The file is empty"),
        (b"\n\nAAA\n", "The file is empty"),
        (b"AAA\nBBB\n", "missing the column code"),
        (b"code,code\nAAA,BBB\n", "a column twice: code"),
        (b"code,\xff\xfe\nAAA,\n", "cannot be read"),
        (b"code\rAAA\rBBB\n", "end with CR alone"),
    ],
)
def test_a_file_without_a_header_is_refused_whole(content, why):
    with pytest.raises(UnreadableFile, match=why):
        read_columns(io.BytesIO(content))


@given(lines=st.lists(st.binary(max_size=30), max_size=30))
def test_every_line_has_one_outcome_whatever_its_bytes(lines):
    content = b"code\n" + b"\n".join(line.replace(b"\n", b"") for line in lines) + b"\n"
    assert list(judged(content)) == list(range(2, content.count(b"\n") + 1))


def test_batches_are_small_and_follow_each_other(monkeypatch):
    monkeypatch.setattr(import_rows, "BATCH_BYTES", 30)
    content = b"code\n" + b"".join(b"CODE%04d\n" % n for n in range(20))
    found = list(batches(io.BytesIO(content)))
    assert len(found) > 3
    assert [one.first_line for one in found[1:]] == [last_line(one) + 1 for one in found[:-1]]
    assert last_line(found[-1]) == 21
