from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import fastavro
import pytest
from django.core.management import call_command
from django.db import IntegrityError

from datalake import catalogue, save, streams
from datalake.choices import ClaimState, RecordType, StreamName
from datalake.layout import Period
from datalake.models import Claim, DeadLetter, LakeFile, LakePartition, SeenRecord, StreamBatch
from datalake.storage import buckets
from datalake.streams.consumers import Consumed
from tests.datalake.lake_cases import DAY, Killed, die
from tests.support.lake import (
    lake_bytes,
    publish_registrations,
    publish_scores,
    read_with_polars,
    registration,
    scoring_frame,
)

pytestmark = pytest.mark.django_db


def test_scores_of_the_stream_are_in_the_lake_as_published():
    """[L-2]"""
    publish_scores(6_000)
    assert save.save("scored") == Consumed(records_in=6_000, records_out=6_000)
    [file] = catalogue.readable_files("scoring", DAY)
    folder, _, name = file.key.rpartition("/")
    assert folder == "avro/scoring/2026/01/20"
    assert str(UUID(name.removesuffix(".avro"))) + ".avro" == name
    frame = scoring_frame(6_000)
    assert read_with_polars(file.key).equals(frame)
    with buckets.campaign_data().open(file.key) as source:
        assert list(fastavro.reader(source)) == frame.to_dicts()
    assert save.save("scored") is None


def test_records_are_grouped_by_type_and_utc_day():
    """[L-2]"""
    publish_registrations(1, key="a", date={"created": "2026-01-20T23:59:59.999Z"})
    publish_registrations(2, key="b", date={"created": "2026-01-20T23:30:00-01:00"})
    assignment = {
        "type": "codeAssignment",
        "date": {"created": "2026-01-20T01:00:00.000Z"},
        "campaignId": "1",
        "globalUserId": "a",
        "code": "X",
    }
    streams.publish("input", [streams.Record("X", assignment)], key="c")
    save.save("input")
    assert sorted(LakeFile.objects.values_list("record_type", "period", "records")) == [
        ("codeAssignment", "2026-01-20", 1),
        ("registration", "2026-01-20", 1),
        ("registration", "2026-01-21", 1),
    ]


def test_the_selection_stream_is_not_saved():
    """[L-2]"""
    streams.publish("save-selection", [streams.Record("a", registration(1))], key="a")
    call_command("consume", "lake", "--once", "--json")
    assert lake_bytes() == {}


def test_invalid_records_go_to_the_dead_letters_and_not_into_the_lake():
    """[L-1, T-1]"""
    records = [
        registration(1),
        {"type": "unheard"},
        registration(2, date=None),
        registration(3),
        "text",
    ]
    streams.publish("input", [streams.Record("", record) for record in records], key="a")
    assert save.save("input") == Consumed(records_in=5, records_out=2, invalid=3)
    letters = DeadLetter.objects.order_by("index").values_list("index", "error")
    assert list(letters) == [
        (1, "unknown type"),
        (2, "date.created: missing"),
        (4, "not an object with a type"),
    ]
    assert LakePartition.objects.get().records == 2


def test_a_record_published_twice_is_in_the_lake_once():
    """[T-1]"""
    publish_scores(100, key="a")
    publish_scores(150, key="b")
    assert save.save("scored", 1) == Consumed(records_in=100, records_out=100)
    assert save.save("scored", 1) == Consumed(records_in=150, records_out=50, duplicates=100)
    assert save.save("scored", 1) is None
    ids = [
        row
        for file in catalogue.readable_files("scoring", DAY)
        for row in read_with_polars(file.key)["globalUserId"]
    ]
    assert sorted(ids) == sorted(f"fan-{n}" for n in range(150))


def test_doubles_within_one_claim_are_saved_once():
    """[T-1]"""
    publish_registrations(1, 1, 2, key="a")
    assert save.save("input") == Consumed(records_in=3, records_out=2, duplicates=1)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("datalake.save.deduplication", "mark"),
        ("datalake.storage.buckets.DiskBucket", "put"),
        ("datalake.catalogue", "enter_saved"),
        ("datalake.save.deadletters", "store"),
        ("datalake.save", "_move_on"),
    ],
)
def test_a_save_killed_anywhere_ends_with_the_same_files_and_each_record_once(
    monkeypatch, where, name
):
    """[L-2]"""
    publish_scores(300)
    with monkeypatch.context() as patched:
        patched.setattr(f"{where}.{name}", die)
        with pytest.raises(Killed):
            save.save("scored")
    assert catalogue.readable_files("scoring", DAY) == []
    left = lake_bytes()
    # what comes later must not slip into the claim
    publish_scores(50, first=300, key="scorefile:2")
    assert save.save("scored") == Consumed(records_in=300, records_out=300)
    [file] = catalogue.readable_files("scoring", DAY)
    assert read_with_polars(file.key).equals(scoring_frame(300))
    assert all(lake_bytes()[key] == content for key, content in left.items())
    assert set(lake_bytes()) == {file.key}
    assert save.save("scored") == Consumed(records_in=50, records_out=50)


def test_a_position_counts_as_saved_only_when_its_files_are_visible(monkeypatch):
    """[S-12]"""
    position = publish_scores(10).position
    with monkeypatch.context() as patched:
        patched.setattr("datalake.storage.buckets.DiskBucket.put", die)
        with pytest.raises(Killed):
            save.save("scored")
    assert streams.reached(save.CONSUMER, "scored") == 0
    save.save("scored")
    assert streams.reached(save.CONSUMER, "scored") == position


def test_a_batch_of_an_older_schema_is_looked_at_record_by_record(monkeypatch):
    """[L-1]"""
    publish_scores(3)
    StreamBatch.objects.update(schema="scoring.v0")
    # the way of frames that need no second look
    monkeypatch.setattr("datalake.save.unpack_frame", die)
    assert save.save("scored") == Consumed(records_in=3, records_out=3)


def test_the_ledger_of_a_claim_must_balance():
    claim = Claim.objects.create(consumer="lake", source="scored", first=1, last=1, records_in=5)
    with pytest.raises(IntegrityError, match="claim_ledger"):
        Claim.objects.filter(pk=claim.pk).update(state=ClaimState.DONE)


def test_the_command_says_what_was_taken_and_what_is_left(capsys):
    publish_scores(5, key="a")
    publish_scores(7, key="b")
    publish_registrations(1, key="c", tags=5)
    call_command("consume", "lake", "--once", "--json")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["lake"] == {"in": 13, "out": 7, "rejected": 6, "duplicates": 5, "lag": 0}
    assert SeenRecord.objects.count() == 7


def test_late_records_of_a_past_day_go_to_that_day():
    publish_scores(3, created=datetime(2025, 12, 31, tzinfo=UTC))
    save.save(StreamName.SCORED)
    assert [
        file.period for file in catalogue.readable_files(RecordType.SCORING, Period(2025, 12))
    ] == ["2025-12-31"]


def test_apps_above_hear_of_a_stream_that_moved_and_only_if_it_is_committed(monkeypatch):
    """[S-12]"""
    received = []
    monkeypatch.setattr(
        save,
        "WATCHERS",
        [lambda stream: received.append((stream, streams.reached(save.CONSUMER, stream)))],
    )
    publish_scores(3)
    save.save("scored")
    assert received == [("scored", 1)]
    publish_scores(3, first=3, key="scorefile:2")
    monkeypatch.setattr(save, "WATCHERS", [die])
    with pytest.raises(Killed):
        save.save("scored")
    assert streams.reached(save.CONSUMER, "scored") == 1
