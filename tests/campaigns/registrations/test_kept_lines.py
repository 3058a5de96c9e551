"""Lines are kept in the order of the file and found again by their numbers. [C-4]"""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from campaigns.registrations.kept_lines import COLUMNS, KeptLines


def lines(first: int, count: int) -> pl.DataFrame:
    texts = {name: [f"{name} {first + at}" for at in range(count)] for name in COLUMNS[1:]}
    numbers = pl.Series("line", range(first, first + count), dtype=pl.Int64)
    return pl.DataFrame({"line": numbers, **texts}).select(COLUMNS)


@given(st.lists(st.integers(0, 5), max_size=6), st.data())
def test_the_lines_that_are_asked_for_come_back_as_they_were_and_no_others(sizes, data):
    with tempfile.TemporaryFile() as file:
        kept, first = KeptLines(cast("BinaryIO", file)), 2
        for size in sizes:
            kept.put(lines(first, size))
            first += size
        all_lines = lines(2, sum(sizes))
        asked = sorted(
            data.draw(st.sets(st.sampled_from(range(2, first))) if first > 2 else st.just(()))
        )
        found = pl.concat([all_lines.clear(), *kept.of(pl.Series(asked, dtype=pl.Int64))])
        assert found.equals(all_lines.filter(pl.col("line").is_in(asked)))
