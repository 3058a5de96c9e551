"""Dates are read by columns as Python reads each. [C-2, C-4]"""

from __future__ import annotations

import os
from datetime import UTC, datetime

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.formats.dates import instants_of
from tests.campaigns.registrations.plain_registrations import plain_instant

MANY = 20_000 if os.environ.get("FAIRWAVE_FULL") else 300
pieces = {
    "day": ["2026-01-05", "20260105", "2026-W02-1", "2024-02-29", "2026-02-29", "2026-00-10"],
    "between": ["T", " ", "t", "", "TT", "\u00e9"],
    "time": ["10:00:00", "10:00", "10", "23:59:59", "24:00:00", "10:00:60", "10:60:00", "100000"],
    "fraction": ["", ".5", ",5", ".123456", ".1234567", ".", ".\u0663", ".000"],
    "offset": ["Z", "z", "+00:00", "-23:59", "+24:00", "+0130", "+01", "+00:00:30", "", "-00:00"],
}
pieced = st.tuples(*map(st.sampled_from, pieces.values())).map("".join)
written = st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
mutated = st.builds(
    lambda text, at, put: text[: at % len(text)] + put + text[at % len(text) + 1 :],
    st.sampled_from(["2026-01-05T10:00:00Z", "2026-01-05T10:00:00.25+01:30"]),
    st.integers(0, 40),
    st.text("0123456789:-+TZ. \n\u0665\uff10", max_size=2),
)
texts = st.lists(st.one_of(pieced, written, mutated, st.text(max_size=8)), max_size=20)


@settings(max_examples=MANY)
@example(["2200-12-31T23:59:59.999999Z", "2200-12-31T23:59:59-00:01", "1999-12-31T23:59:59-00:01"])
@example(["2026-01-05T10:00:00Z\n", "2026-12-31T23:59:60Z", "2016-12-31T23:59:60Z", "0000-01-01"])
@given(texts)
def test_c2_any_text_is_the_instant_that_python_reads_or_none(given_texts):
    found = instants_of(pl.Series("at", given_texts, dtype=pl.String))
    assert (found.name, found.dtype) == ("at", pl.Datetime("us", "UTC"))
    assert found.to_list() == [plain_instant(text) for text in given_texts]


def test_c4_a_fraction_keeps_its_microseconds_whatever_the_offset():
    texts = pl.Series(["2026-01-05T10:00:00.123456+01:30", "2026-01-05T10:00:00,123456Z", ""])
    expected = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)
    assert instants_of(texts).to_list() == [expected.replace(hour=8, minute=30), expected, None]
