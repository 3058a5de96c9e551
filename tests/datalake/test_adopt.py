"""Files that others put into the lake are made ours. [L-7]"""

from __future__ import annotations

import bz2
import copy
import zlib
from datetime import UTC, datetime

import pytest

from datalake import adopt, catalogue, records, save
from datalake.errors import (
    NoFiles,
    NotAvro,
    OutdatedSchema,
)
from datalake.layout import Period
from datalake.merging import merge, past_periods
from datalake.models import DeadLetter, LakeFile
from datalake.storage import buckets
from datalake.streams.consumers import Consumed
from tests.datalake.lake_cases import (
    DAY,
    Killed,
    die,
    ids,
    put_bytes,
    put_foreign,
    readable_ids,
    save_loose,
    valid,
)
from tests.support.avro_files import made, written
from tests.support.lake import lake_bytes, publish_scores, read_with_polars

pytestmark = pytest.mark.django_db


LATER = datetime(2026, 1, 25, 10, 0, tzinfo=UTC)


def test_a_foreign_file_is_normalised_and_merged_with_ours():
    """[L-3]"""
    put_foreign("theirs", [valid(1, email=" a@example.com "), valid(2)])
    assert catalogue.readable_files("registration", DAY) == []
    [done], _ = past_periods.merge_past(["registration"], monthly=False, now=LATER)
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


def with_field(name, type_):
    """The schema of registrations with another type of one field."""
    avro = copy.deepcopy(dict(records.schema_of("registration").avro))
    next(each for each in avro["fields"] if each["name"] == name)["type"] = type_
    return avro


def test_logical_timestamps_and_null_lists_of_foreign_files_are_normalised():
    """[L-3]"""
    moment = datetime(2026, 1, 20, 10, 30, 0, 250_000, tzinfo=UTC)
    date = {"type": "long", "logicalType": "timestamp-millis"}
    date = {"type": "record", "name": "d", "fields": [{"name": "created", "type": date}]}
    put_foreign("times", [valid(1, date={"created": moment})], schema=with_field("date", date))
    strings = {"type": "array", "items": "string"}
    put_foreign("nulls", [valid(2, tags=None)], schema=with_field("tags", ["null", strings]))
    assert merge.merge_period("registration", DAY).records_out == 2
    [file] = catalogue.readable_files("registration", DAY)
    rows = read_with_polars(file.key).sort("globalUserId")
    assert rows["date"].to_list()[0] == {"created": "2026-01-20T10:30:00.250Z"}
    assert rows["tags"].to_list() == [["unconfirmed_phone"], []]


def test_a_foreign_file_with_metadata_that_is_no_text_is_read():
    """[L-3]"""
    avro = dict(records.schema_of("registration").avro)
    whole = written(avro, [valid(1)], metadata={"theirs": "xx"})
    put_bytes("theirs", whole.replace(b"xx", b"\xff\x00"))
    assert adopt.adopt("avro/registration/2026/01/20/theirs.avro").records_out == 1


def test_values_that_no_stream_carries_become_dead_letters():
    """[L-1, L-3]"""
    put_foreign("theirs", [valid(1, email=b"\xff")], schema=with_field("email", ["null", "bytes"]))
    with pytest.raises(NoFiles, match="contains no valid records of this period"):
        merge.merge_period("registration", DAY)
    assert DeadLetter.objects.get().error == "email: not a string"


RECURSIVE = {"type": "record", "name": "P", "fields": [{"name": "next", "type": ["null", "P"]}]}
NOTHINGS = {"type": "array", "items": "null"}
DEFLATED = zlib.compress(b"fans" * 100)[2:-4]
BOMB = zlib.compress(bytes(80 << 20), 1)[2:-4]


def untyped(avro):
    return avro | {"fields": [{"name": field["name"]} for field in avro["fields"]]}


def and_more(avro, type_):
    return avro | {"fields": [*avro["fields"], {"name": "more", "type": type_}]}


def test_a_foreign_file_that_cannot_be_read_refuses_its_own_day_and_no_other():
    """[L-3]"""
    avro = dict(records.schema_of("registration").avro)
    whole = written(avro, [valid(1)])
    unreadable = [
        ("not an Avro container file", b"junk"),
        ("a schema without a version and is missing type", made(["null", "string"], (1, b"\x00"))),
        ("header is not valid", made(b"[" * 100_000, (1, b""))),
        ("without a type", made(untyped(avro), (1, b""))),
        ("refers to itself", made(and_more(avro, RECURSIVE), (1, b"\x02" * 20_000))),
        ("damaged", made(avro, (3, DEFLATED[:4] + b"\x00" + DEFLATED[5:]), codec="deflate")),
        ("damaged", made(avro, (3, bz2.compress(b"fans")[:-6]), codec="bzip2")),
        ("'zstandard', which is not supported", made(avro, (1, b"("), codec="zstandard")),
        ("100 times its size", made(avro, (1, BOMB), codec="deflate")),
        ("too short", made(avro, (10**9, b""))),
        ("array of nothing", made(and_more(avro, NOTHINGS), (1, b""))),
        ("it is incomplete", whole[:-20]),
        ("sync marker", whole[:-1] + b"x"),
    ]
    for day, (_, content) in enumerate(unreadable, start=1):
        put_bytes("theirs", content, folder=f"avro/registration/2026/01/{day:02}")
    put_foreign("theirs", [valid(1)])
    merges, refusals = past_periods.merge_past(["registration"], monthly=False, now=LATER)
    assert [each.period for each in merges] == ["2026-01-20"]
    for day, ((why, _), refusal) in enumerate(zip(unreadable, refusals, strict=True), start=1):
        assert f"avro/registration/2026/01/{day:02}/theirs.avro" in str(refusal)
        assert why in str(refusal)
    assert LakeFile.objects.filter(state="superseded").count() == 2
    assert not DeadLetter.objects.exists()


def test_of_a_foreign_file_that_is_damaged_at_its_end_nothing_is_saved():
    """[L-3]"""
    avro = dict(records.schema_of("registration").avro)
    whole = written(avro, [valid(number) for number in range(50)], sync_interval=1_000)
    put_bytes("theirs", whole[:-1] + b"x")
    with pytest.raises(NotAvro, match="cannot be read: a block does not end"):
        adopt.adopt("avro/registration/2026/01/20/theirs.avro", slice_records=10)
    assert readable_ids(record_type="registration") == []


def test_a_foreign_file_is_saved_in_slices_of_so_many_bytes():
    """[L-3]"""
    put_foreign("theirs", [valid(number, memberId="m" * 1_000) for number in range(9)])
    key = "avro/registration/2026/01/20/theirs.avro"
    assert adopt.adopt(key, slice_bytes=2_500).records_out == 9
    assert len(catalogue.readable_files("registration", DAY)) == 3


def test_foreign_records_go_to_their_own_day():
    """[L-2]"""
    put_foreign("theirs", [valid(1), valid(2, date={"created": "2026-01-19T10:00:00.000Z"})])
    assert merge.merge_period("registration", DAY).records_out == 1
    assert [
        file.records for file in catalogue.readable_files("registration", Period(2026, 1, 19))
    ] == [1]


def test_a_day_of_which_a_foreign_file_held_records_is_merged_in_the_same_run():
    """[L-3]"""
    put_foreign("theirs", [valid(1), valid(2, date={"created": "2026-01-19T10:00:00.000Z"})])
    merges, failures = past_periods.merge_past(["registration"], monthly=False, now=LATER)
    assert ([each.period for each in merges], failures) == (["2026-01-20", "2026-01-19"], [])


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
    merges, refusals = past_periods.merge_past(["scoring"], monthly=False, now=LATER)
    assert [each.period for each in merges] == ["2026-01-20"]
    assert [type(refusal) for refusal in refusals] == [NotAvro]


def test_a_file_that_is_gone_since_it_was_listed_is_passed_over(monkeypatch):
    """[L-3]"""
    gone = "avro/registration/2026/01/20/gone.avro"
    monkeypatch.setattr(buckets.DiskBucket, "list", lambda self, prefix, **of: iter([gone]))
    assert adopt.foreign_keys("registration") == []


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
