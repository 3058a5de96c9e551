"""White space and zero-width characters are no part of a field at its ends. [S-2]"""

from __future__ import annotations

import sys

import polars as pl

from operations.entry.trimming import TRIMMED, WHITE_SPACE, trim, trim_column, trimmed

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def test_s2_a_field_and_a_column_are_trimmed_alike_at_both_ends_and_not_inside():
    for each in TRIMMED:
        assert trim(f"{each}\ufeff a{each}b\u200b{each}") == f"a{each}b"
    fields = pl.DataFrame({"field": [f"{each}a{each}b{each} " for each in TRIMMED] + [None, ""]})
    found = [*(f"a{each}b" for each in TRIMMED), None, ""]
    assert fields.select(trimmed(pl.col("field")))["field"].to_list() == found
    assert trim_column(fields["field"]).to_list() == found
    assert trim_column(pl.Series([" a b\r", None, "\x1ca"])).to_list() == ["a b", None, "\x1ca"]


def test_s2_white_space_is_what_unicode_calls_so():
    ends = pl.Series(CHARACTERS).str.strip_chars()
    assert (
        "".join(each for each, left in zip(CHARACTERS, ends, strict=True) if not left)
        == WHITE_SPACE
    )
