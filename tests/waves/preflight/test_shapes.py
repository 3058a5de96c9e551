"""One member of each shape stands for all of it. [X-6]"""

from __future__ import annotations

from urllib.parse import quote

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from waves.messages.sms_segments import BASIC, EXTENSION, segments
from waves.preflight.shapes import code_shape, link_shape

KINDS = "aZ7é€~^ñ-яç😀"


def shape(text: str) -> str:
    return pl.select(code_shape(pl.lit(text))).item()


def in_link(fan: str) -> str:
    return pl.select(link_shape(pl.lit(fan))).item()


def test_x6_a_shape_keeps_what_decides_the_width_of_each_character():
    assert shape("".join(sorted(BASIC))) == "a" * len(BASIC)
    assert shape("".join(sorted(EXTENSION))) == "^" * len(EXTENSION)
    assert shape("A1-ç€") == "aaaç^"
    assert (shape("TM"), shape("AB"), shape("")) == ("TM", "aa", "")


@given(st.text(KINDS, max_size=64), st.integers(0, 400), st.integers(0, 400), st.text(KINDS))
def test_x6_codes_of_one_shape_take_the_same_segments(code, before, after, around):
    def count(held: str):
        return segments("b" * before + held + around + "c" * after)

    alike = shape(code)  # is of its own shape, and has other characters
    assert shape(alike) == alike
    assert count(code) == count(alike)


@given(st.text(max_size=80), st.integers(0, 160))
def test_x6_links_of_one_shape_take_the_same_segments(fan, before):
    fan = fan.encode("utf-8", "ignore").decode()
    link = quote(fan, safe="")
    assert len(in_link(fan)) == len(link)
    assert [c == "~" for c in in_link(fan)] == [c == "~" for c in link]
    assert segments("b" * before + in_link(fan)) == segments("b" * before + link)
