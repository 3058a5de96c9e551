from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake import layout
from datalake.errors import BadPeriod
from datalake.layout import Period

days = st.dates(min_value=date(1000, 1, 1)).map(layout.day_of)
types = st.sampled_from(["registration", "scoring", "codeAssignment"])


@given(types, days, st.uuids())
def test_a_loose_key_leads_back_to_its_partition(record_type, day, name):
    """[L-2]"""
    assert layout.parse_loose_key(layout.loose_key(record_type, day, name)) == (
        record_type,
        day,
        f"{name}.avro",
    )


@given(types, days, st.booleans())
def test_a_folder_and_a_period_lead_back_to_themselves(record_type, day, monthly):
    period = day.month_period if monthly else day
    assert layout.parse_prefix(layout.folder(record_type, period)) == (record_type, period)
    assert layout.parse_period(str(period)) == period


@given(types, days, st.integers(1, 9))
def test_merged_and_archived_files_are_never_taken_for_loose_ones(record_type, day, generation):
    """[L-3, L-5]"""
    for period in (day, day.month_period):
        merged = layout.merged_key(record_type, period, generation)
        assert layout.parse_loose_key(merged) is None
        assert (
            layout.parse_loose_key(
                layout.archived_key(record_type, period, merged.rpartition("/")[2])
            )
            is None
        )


@given(types, days, st.integers(1, 99))
def test_a_merged_file_is_known_by_its_period(record_type, day, generation):
    """[L-3]"""
    month = day.month_period
    of_day = layout.merged_key(record_type, day, generation)
    assert layout.is_merged_key(of_day, record_type, day)
    assert of_day.startswith(layout.merged_folder(record_type, month))
    assert not layout.is_merged_key(of_day, record_type, month)
    assert not layout.is_merged_key(f"{of_day}.bak", record_type, day)
    assert not layout.is_merged_key(of_day.replace(".g", ".g0"), record_type, day)


def test_keys_are_as_the_contract_writes_them():
    """[L-3, L-5]"""
    day = Period(2026, 1, 20)
    assert (
        layout.merged_key("scoring", day, 2)
        == "avro/scoring/merged/2026/01/20/scoring_2026_01_20.g2.avro"
    )
    assert (
        layout.merged_key("scoring", day.month_period, 1)
        == "avro/scoring/merged/2026/01/scoring_2026_01.g1.avro"
    )
    assert (
        layout.archived_key("scoring", day, "x.avro") == "avro/archived/scoring/2026/01/20/x.avro"
    )


def test_a_claim_always_gives_the_same_name_and_another_claim_another():
    """[L-2]"""
    day = Period(2026, 1, 20)
    name = layout.file_name("scored", 1, 40, "scoring", day)
    assert name == layout.file_name("scored", 1, 40, "scoring", day)
    others = [
        ("scored", 2, 40, "scoring", day),
        ("scored", 1, 41, "scoring", day),
        ("input", 1, 40, "scoring", day),
    ]
    assert name not in {layout.file_name(*other) for other in others}


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "scoring",
        "avro/scoring/2026",
        "avro/scoring/2026/13",
        "scoring/2026/02/30",
        "scoring/2026/01/00",
    ],
)
def test_a_prefix_that_names_no_period_is_refused(prefix):
    with pytest.raises(BadPeriod):
        layout.parse_prefix(prefix)


def test_the_day_of_an_instant_is_its_utc_day():
    assert layout.day_of(
        datetime(2026, 1, 20, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    ) == Period(2026, 1, 19)
    with pytest.raises(BadPeriod):
        layout.day_of(datetime(2026, 1, 20))  # noqa: DTZ001 that is the point


def test_a_period_ends_where_the_next_begins():
    assert Period(2024, 2).end == datetime(2024, 3, 1, tzinfo=UTC)
    assert Period(2026, 12, 31).end == datetime(2027, 1, 1, tzinfo=UTC)
