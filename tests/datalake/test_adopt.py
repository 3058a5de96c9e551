"""Files that others put into the lake are made ours. [L-7]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake import adopt, catalogue, merge, records, save
from datalake.errors import (
    NoFiles,
    NotAvro,
    OutdatedSchema,
)
from datalake.layout import Period
from datalake.models import DeadLetter, LakeFile
from datalake.storage import buckets
from datalake.streams.consumers import Consumed
from tests.datalake.lake_cases import (
    DAY,
    Killed,
    die,
    ids,
    put_foreign,
    readable_ids,
    save_loose,
    valid,
)
from tests.support.lake import lake_bytes, publish_scores, read_with_polars

pytestmark = pytest.mark.django_db


LATER = datetime(2026, 1, 25, 10, 0, tzinfo=UTC)


def test_a_foreign_file_is_normalised_and_merged_with_ours():
    """[L-3]"""
    put_foreign("theirs", [valid(1, email=" a@example.com "), valid(2)])
    assert catalogue.readable_files("registration", DAY) == []
    [done], _ = merge.merge_past(["registration"], monthly=False, now=LATER)
    assert (done.files, done.records_out) == (1, 2)
    [file] = catalogue.readable_files("registration", DAY)
    assert read_with_polars(file.key)["email"].to_list() == ["a@example.com", "fan2@example.com"]
    assert LakeFile.objects.get(key__endswith="theirs.avro").merged_into == done


def test_invalid_records_of_a_foreign_file_go_to_the_dead_letters():
    """[L-1, L-3]"""
    put_foreign(
        "theirs", [valid(1), valid(2, globalUserId=" "), valid(3, date={"created": "yesterday"})]
    )
    assert merge.merge_period("registration", DAY).records_out == 1
    letters = DeadLetter.objects.order_by("index").values_list("index", "error")
    assert [(index, error.partition(":")[0]) for index, error in letters] == [
        (1, "globalUserId"),
        (2, "date.created"),
    ]


def test_a_foreign_file_whose_adoption_was_killed_goes_on_where_it_stood(monkeypatch):
    """[L-3]"""
    put_foreign("theirs", [valid(number) for number in range(25)])
    key = "avro/registration/2026/01/20/theirs.avro"
    calls = iter([save.save_claim, save.save_claim, die])
    with monkeypatch.context() as patched:
        patched.setattr("datalake.adopt.save_claim", lambda *args: next(calls)(*args))
        with pytest.raises(Killed):
            adopt.adopt(key, slice_records=10)
    assert readable_ids(record_type="registration") == ids(20)
    assert adopt.adopt(key, slice_records=10) == Consumed(records_in=25, records_out=25)
    assert readable_ids(record_type="registration") == ids(25)
    assert adopt.foreign_keys("registration") == []


def test_another_file_under_a_name_that_was_taken_before_is_another_file():
    """[L-3]"""
    key = "avro/registration/2026/01/20/theirs.avro"
    put_foreign("theirs", [valid(0)])
    adopt.adopt(key)
    put_foreign("theirs", [valid(0), valid(1)])
    assert adopt.adopt(key) == Consumed(records_in=2, records_out=1, duplicates=1)
    assert readable_ids(record_type="registration") == ids(2)


def test_foreign_records_go_to_their_own_day():
    """[L-2]"""
    put_foreign("theirs", [valid(1), valid(2, date={"created": "2026-01-19T10:00:00.000Z"})])
    assert merge.merge_period("registration", DAY).records_out == 1
    assert [
        file.records for file in catalogue.readable_files("registration", Period(2026, 1, 19))
    ] == [1]


def test_a_foreign_file_of_another_version_is_refused_and_left_as_it_is():
    """[L-3]"""
    avro_schema = dict(records.schema_of("registration").avro)
    avro_schema["fields"] = [field for field in avro_schema["fields"] if field["name"] != "tags"]
    put_foreign("theirs", [valid(1)], schema=avro_schema)
    with pytest.raises(OutdatedSchema, match="missing tags"):
        merge.merge_period("registration", DAY)
    assert not LakeFile.objects.exists()


def test_a_broken_foreign_file_does_not_hold_up_other_periods():
    """[L-3]"""
    buckets.campaign_data().put("avro/scoring/2026/01/19/junk.avro", b"junk")
    save_loose(5, 5)
    merges, refusals = merge.merge_past(["scoring"], monthly=False, now=LATER)
    assert [each.period for each in merges] == ["2026-01-20"]
    assert [type(refusal) for refusal in refusals] == [NotAvro]


def test_a_file_of_an_unfinished_save_is_not_taken_for_foreign(monkeypatch):
    """[L-2, L-3]"""
    publish_scores(10)
    with monkeypatch.context() as patched:
        patched.setattr("datalake.catalogue.enter_saved", die)
        with pytest.raises(Killed):
            save.save("scored")
    assert len(lake_bytes()) == 1
    with pytest.raises(NoFiles):
        merge.merge_period("scoring", DAY)
    save.save("scored")
    merge.merge_period("scoring", DAY)
    assert readable_ids() == ids(10)
