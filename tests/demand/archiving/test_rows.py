"""Archived records as rows for COPY, and the newest state of each. [D-6, BR-020]"""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from demand.archiving.rows import LARGEST_SEQUENCE, common_of, newest, state_of
from tests.demand import changes as change_events

keys = st.tuples(st.sampled_from("ab"), st.just("demand"))
moments = st.integers(0, 2).map(lambda second: datetime(2026, 1, 20, 12, 0, second, tzinfo=UTC))
states = st.tuples(moments, st.integers(0, 2), st.text(max_size=2))


@given(st.lists(st.dictionaries(keys, states), max_size=4))
def test_d6_of_all_states_the_newest_change_then_sequence_then_the_last_one_counts(parts):
    expected = {}
    for part in parts:
        for key, state in part.items():
            if key not in expected or state[:2] >= expected[key][:2]:
                expected[key] = state
    assert newest(parts) == expected


def test_d6_what_copy_reads_as_special_is_escaped_in_ids_and_records():
    archived = change_events.archived(
        change_events.raw("demand", fanId="a\tb\\c", email='"a\\b"@example.com')
    )
    common = common_of(archived)
    assert "a\\tb\\\\c" in common.split("\t")[1]
    row = state_of(archived, common)[2]
    assert row.count("\t") == 8
    assert row.endswith("}\n")
    assert r'\\"a\\\\b\\"@example.com' in row


def test_d6_a_sequence_that_no_column_holds_counts_as_0():
    archived = change_events.archived(
        change_events.raw("demand", change={"SequenceNumber": str(LARGEST_SEQUENCE)})
    )
    assert common_of(archived).split("\t")[3] == "0"
