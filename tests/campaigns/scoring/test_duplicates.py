"""Which fans came before in a file, asked for whole columns. [S-3]"""

from __future__ import annotations

import hashlib

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.scoring.duplicates import SeenFans


def ref(name: str) -> str | None:
    """A fan's reference; those of one letter share where they would stand in the table."""
    start = {"a": "0" * 8, "b": "f" * 8}.get(name[:1], "")
    return (start + hashlib.sha256(name.encode()).hexdigest())[:64] if name else None


@settings(max_examples=200)
@given(st.lists(st.lists(st.text("abcd", max_size=3), max_size=30), max_size=6))
def test_a_fan_is_repeated_from_the_second_time_on(chunks):
    seen, before = SeenFans(sum(map(len, chunks))), set()
    for names in chunks:
        due = []
        for name in names:
            due.append(name in before)
            before |= {name} - {""}
        assert (
            seen.are_repeated(pl.Series([ref(name) for name in names], dtype=pl.String)).to_list()
            == due
        )


def test_fans_who_share_64_bits_are_distinguished_by_the_next():
    first, second = "0" * 16 + "1" * 48, "0" * 16 + "2" * 48
    seen = SeenFans(10)
    assert seen.are_repeated(pl.Series([first])).to_list() == [False]
    assert seen.are_repeated(pl.Series([second, first])).to_list() == [False, True]
    assert seen.are_repeated(pl.Series([second])).to_list() == [True]


def test_a_table_full_to_the_last_fan_still_answers():
    refs = pl.Series([hashlib.sha256(str(n).encode()).hexdigest() for n in range(5000)])
    seen = SeenFans(5000)
    assert not seen.are_repeated(refs).any()
    assert seen.are_repeated(refs).all()
