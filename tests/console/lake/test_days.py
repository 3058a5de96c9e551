"""The state of a day in the lake's calendar. [L-3, L-4]"""

from __future__ import annotations

import pytest

from console.lake.days import MEANINGS, MOST_COUNTED, DayState, Found, counted, short, state_of


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("nothing", Found()),
        ("nothing", Found(is_in_month=True)),
        ("fragmented", Found(loose=1)),
        ("late", Found(loose=1, is_merged=True)),
        ("late", Found(loose=1, is_in_month=True)),
        ("late", Found(loose=1, is_merged=True, has_originals=True)),
        ("refused", Found(loose=1, error="no")),
        ("merging", Found(loose=1, is_merging=True, error="no")),
        ("merged", Found(is_merged=True, has_originals=True)),
        ("merged", Found(is_in_month=True, has_originals=True)),
        ("archived", Found(is_merged=True)),
        ("archived", Found(is_merged=True, error="the next merge was refused")),
    ],
)
def test_l3_a_day_is_in_the_state_that_its_files_and_its_last_merge_make(state, found):
    assert state_of(found, records=0, is_mergeable=True) == state


def test_l3_a_day_in_the_file_of_its_month_is_archived_if_it_has_records():
    assert state_of(Found(is_in_month=True), records=1, is_mergeable=True) == "archived"


def test_records_of_a_type_that_is_not_merged_are_only_saved():
    assert state_of(Found(loose=9), records=0, is_mergeable=False) == "saved"
    assert state_of(Found(), records=9, is_mergeable=False) == "saved"
    assert state_of(Found(), records=0, is_mergeable=False) == "nothing"


def test_every_state_that_a_cell_shows_has_a_meaning_in_words():
    assert {*MEANINGS, "nothing"} == set(DayState)


def test_numbers_are_short_enough_for_a_narrow_cell():
    shown = (0, 999, 1_000, 1_250, 12_345, 999_999, 1_200_000, 45_000_000, 3_000_000_000)
    assert [short(each) for each in shown] == [
        "0", "999", "1.0k", "1.2k", "12k", "999k", "1.2M", "45M", "3.0G",
    ]  # fmt: skip
    assert counted(MOST_COUNTED) == "1,000"
    assert counted(MOST_COUNTED + 1) == "1,000+"
