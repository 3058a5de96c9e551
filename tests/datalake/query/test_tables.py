"""The lake as tables. [L-4, L-8]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake.merging import merge
from datalake.query import tables
from datalake.query.tables import Column
from datalake.schemas import SCHEMAS
from tests.datalake.lake_cases import DAY, save_loose


def test_there_is_a_table_for_each_record_type_of_both_pipelines():
    names = [table.name for table in tables.described()]
    assert names == [
        "codeassignment",
        "demand",
        "event",
        "notification",
        "registration",
        "sale",
        "scoring",
    ]


def test_columns_are_described_as_a_query_names_them():
    described = {table.name: table for table in tables.described()}
    assert described["scoring"].columns[1:3] == (
        Column("date.created", "text"),
        Column("campaignid", "text"),
    )
    kinds = {column.name: column.kind for column in described["scoring"].columns}
    assert (kinds["tags"], kinds["score"]) == ("list of texts", "number")
    assert kinds["partition_date"].startswith("text, such as 2026-01-20")
    assert Column("eventdate.start.localdate", "text") in described["event"].columns


def test_tables_of_campaigns_are_divided_by_month_in_glue():
    """[L-4]"""
    last = {table.name: table.columns[-1].name for table in tables.described(in_glue=True)}
    assert (last["scoring"], last["demand"]) == ("month", "partition_date")


def test_a_table_is_registered_once():
    with pytest.raises(ValueError, match="registered twice"):
        tables.register([SCHEMAS["scoring"]])


@pytest.mark.django_db(transaction=True)
def test_readers_are_given_what_the_catalogue_shows_and_nothing_else():
    """[L-4]"""
    save_loose(1, 2)
    merge.merge_period("scoring", DAY)
    save_loose(3, created=datetime(2026, 2, 1, tzinfo=UTC), first=50)
    parts = tables.readable_parts()
    assert [(part.record_type, part.period) for part in parts] == [
        ("scoring", "2026-01-20"),
        ("scoring", "2026-02-01"),
    ]
    assert "/merged/" in parts[0].key
    found = tables.periods(parts)
    assert (found["scoring"], found["sale"]) == (["2026-01-20", "2026-02-01"], [])
