"""Rejected lines become a CSV with the columns of their file. [C-4, S-11]"""

from __future__ import annotations

import io

import polars as pl

from campaigns.formats.rejected_rows import fields_of, write


def test_s11_a_line_is_cut_into_as_many_cells_as_the_header_has():
    assert fields_of(pl.Series(["a\tb", "", "a\t\tc\td"]), 4).rows() == [
        ("a", "b", "", ""),
        ("", "", "", ""),
        ("a", "", "c", "d"),
    ]
    assert fields_of(pl.Series(["a\tb\tc\td"]), 2).rows() == [("a", "b\tc\td")]


def test_s11_a_column_may_have_the_name_of_another_and_cells_are_quoted_where_they_must_be():
    rows = pl.DataFrame({"line": [3, 7], "reason": ["no_contact"] * 2, "raw": ["a,b\tc", 'd"\te']})
    out = io.BytesIO()
    assert write(out, ["line", "line"], [rows[:1], rows[1:]]) == 2
    assert out.getvalue().decode().splitlines() == [
        "line,line,line,reason",
        '"a,b",c,3,no_contact',
        '"d""",e,7,no_contact',
    ]
