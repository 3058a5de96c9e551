"""Delivered at least once, a record takes effect once. [T-1]"""

from __future__ import annotations

import polars as pl
import pytest
from django.db import transaction

from datalake import streams
from datalake.streams import deduplication
from datalake.streams.consumers import Consumed
from operations.database.statements import first_row, run
from tests.datalake.streams.collector import Collector
from tests.support.lake import publish_registrations, registration

pytestmark = pytest.mark.django_db


def test_each_record_takes_effect_once_though_published_twice():
    """[T-1]"""
    collector = Collector()
    publish_registrations(1, 2, key="a")
    publish_registrations(2, 3, 3, key="b")
    assert collector.take() == Consumed(records_in=5, records_out=3, duplicates=2)
    publish_registrations(3, 4, key="c")
    assert collector.take() == Consumed(records_in=2, records_out=1, duplicates=1)
    assert collector.got == ["fan-1", "fan-2", "fan-3", "fan-4"]
    assert collector.take() is None


def test_t1_records_whose_hashes_another_service_numbered_by_hand_all_take_effect():
    collector = Collector()
    data = [streams.Record(f"fan-{n}", registration(n, dedupeHash=f"{n:064x}")) for n in (1, 2, 3)]
    streams.publish("input", data, key="by hand")
    assert collector.take() == Consumed(records_in=3, records_out=3)


def test_t1_what_a_claim_entered_and_does_not_take_is_found_and_nothing_else():
    one, two, three = (f"{number:064x}" for number in (1, 2, 3))
    deduplication.mark("lake", pl.Series([one, two]), 7)
    deduplication.mark("lake", pl.Series([two, three]), 8)
    deduplication.mark("other", pl.Series([three]), 7)
    taken = [pl.Series([two]), pl.Series([three])]
    found = deduplication.entered_beside("lake", taken, 7)
    assert found == [deduplication.digest_of(one)]
    deduplication.unmark("lake", found, 7)
    assert deduplication.entered_beside("lake", taken, 7) == []
    assert deduplication.mark("lake", pl.Series([one, two]), 9).to_list() == [True, False]


def test_t1_of_known_identities_each_is_looked_up_and_not_all_are_read():
    hashes = pl.Series([f"{number:064x}" for number in range(3_000)])
    with transaction.atomic():
        deduplication.mark("lake", hashes, 7)
        run("ANALYZE datalake_seenrecord")
        before = whole_reads()
        assert not deduplication.mark("lake", hashes, 8).any()
        assert whole_reads() == before


def whole_reads() -> int:
    """How often this transaction has read all identities."""
    statistics = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = %(table)s"
    (count,) = first_row(statistics, table="datalake_seenrecord")
    return count
