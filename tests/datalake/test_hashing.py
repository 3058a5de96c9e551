"""SHA-256 and HMAC of columns, held against Python's own."""

from __future__ import annotations

import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake.hashing import hmac_sha256_hex, sha256_hex

TEXTS = st.lists(st.none() | st.text(max_size=200), max_size=30)


@given(texts=TEXTS)
def test_a_column_is_hashed_as_python_hashes_each_text_and_null_stays_null(texts):
    hashed = sha256_hex(pl.Series("x", texts, dtype=pl.String))

    assert hashed.to_list() == [
        None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in texts
    ]
    assert hashed.dtype == pl.String


@given(texts=TEXTS, key=st.binary(max_size=64), prefix=st.binary(max_size=100))
def test_a_column_is_signed_as_python_signs_each_text_and_null_stays_null(texts, key, prefix):
    signed = hmac_sha256_hex(key, pl.Series("x", texts, dtype=pl.String), prefix=prefix)

    expected = [
        None if text is None else hmac.digest(key, prefix + text.encode(), "sha256").hex()
        for text in texts
    ]
    assert signed.to_list() == expected
    assert (signed.name, signed.dtype) == ("x", pl.String)


def test_a_key_longer_than_a_block_is_refused():
    with pytest.raises(ValueError, match="at most 64 bytes, not 65"):
        hmac_sha256_hex(bytes(65), pl.Series(["a"]))
