"""A list as CSV, by column names, every line counted. [W-3]"""

from __future__ import annotations

import io

import polars as pl
import pytest

from waves.errors import BadWaveList
from waves.uploads.reading import raws_of, read_list


def test_w3_columns_are_found_by_name_in_any_order_and_case_and_the_rest_is_listed():
    content = b'\xef\xbb\xbfcode,MARKETID,note,globalUserId\r\nA1,west,"a, b",fan-1\r\n'
    found = read_list(io.BytesIO(content))
    assert found.ignored == ("note",)
    assert found.rows.to_dicts() == [
        {"line": 2, "global_user_id": "fan-1", "member_id": "", "market_id": "west"}
        | {"email": "", "phone": "", "code": "A1"}
    ]


def test_w3_lines_that_cannot_be_read_are_counted_by_their_numbers():
    content = b'globalUserId,marketId\nfan-1,west\n\nfan-2\nfan-3,"west\nfan-4,\xff\nfan-5,east\n'
    found = read_list(io.BytesIO(content))
    assert found.rows["line"].to_list() == [2, 7]
    assert found.malformed == (3, 4, 5, 6)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"globalUserId\nfan-1\n", "missing the column marketId"),
        (b"a,b\n1,2\n", "missing the columns globalUserId, marketId"),
        (b"globalUserId,marketId,code,CODE\n", "has a column twice: code"),
        (b"globalUserId,marketId\n", "has no rows"),
        (b"globalUserId,marketId\rfan-1,west\r", "CR alone"),
        (b"global\x00UserId,marketId\n1,2\n", "control characters"),
        (b"\xff\xfe\n", "not CSV in UTF-8"),
    ],
)
def test_w3_a_list_without_a_usable_header_is_refused(content, sentence):
    with pytest.raises(BadWaveList, match=sentence):
        read_list(io.BytesIO(content))


def test_w3_rejected_lines_come_back_as_they_were_written():
    content = b'globalUserId,marketId\nfan-1,"we ""st"\n=1,x\nfan-3,\n'
    rejected = pl.DataFrame({"line": [2, 3], "reason": ["a", "b"]})
    found = pl.concat(raws_of(io.BytesIO(content), rejected))
    assert found["raw"].to_list() == ['fan-1\twe "st', "=1\tx"]
