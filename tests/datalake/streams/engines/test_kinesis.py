"""Streams on Kinesis: rows are the truth, Kinesis carries them, and each takes effect once. [T-1]"""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
from django.db import transaction
from django.utils import timezone

from datalake import records, save, streams
from datalake.dead_letters import replay
from datalake.models import Checkpoint, Claim, DeadLetter, LakeFile, PublishedDay, StreamBatch
from datalake.parity import check, published
from datalake.retention import old_rows
from datalake.streams import consumers, lanes
from datalake.streams.consumers import Consumed
from datalake.streams.engines import kinesis as engine
from datalake.streams.engines import put_in_order
from operations import correlation
from operations.models import Alert
from tests.datalake.streams.collector import REGISTRATIONS, Collector
from tests.support.lake import publish_registrations, publish_scores, read_with_polars, registration

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(put_in_order.time, "sleep", lambda seconds: None)


def take_all(collector: Collector, stream: str = "input") -> Consumed:
    """One step of each shard."""
    total = Consumed()
    for lane in lanes.open_to("collector", stream):
        total += (
            consumers.take("collector", stream, collector, types=REGISTRATIONS, shard=lane.shard)
            or Consumed()
        )
    return total


def fans(*numbers: int) -> set[str]:
    return {f"fan-{number}" for number in numbers}


def test_t1_what_is_published_goes_through_kinesis_with_its_keys_and_takes_effect_once(stream):
    publish_registrations(*range(700), key="a")
    assert take_all(Collector()) == Consumed()
    done = streams.hand_over("input", 40)
    assert (done.records, done.refused) == (700, 0)
    assert [len(request) for request in stream.requests] == [500, 200]
    key, text = stream.requests[0][3]
    assert (key, json.loads(text)) == ("fan-3", registration(3))
    collector = Collector()
    assert take_all(collector) == Consumed(records_in=700, records_out=700)
    assert set(collector.got) == fans(*range(700))
    assert Checkpoint.objects.filter(consumer="collector").count() == 2
    assert streams.hand_over("input", 40) is None


def test_t2_a_frame_of_code_assignments_is_keyed_by_code(stream):
    """[T-2]"""
    flat = pl.DataFrame(
        {
            "created": ["2026-01-20T10:30:00.000Z"],
            "campaignId": ["12345"],
            "globalUserId": ["fan-1"],
            "code": ["AB12"],
        }
    )
    frame = records.shape("codeAssignment", flat)
    streams.publish_frame("input", "codeAssignment", frame, key="a")
    publish_scores(1)
    streams.hand_over("input", 40)
    streams.hand_over("scored", 40)
    keys = [key for request in stream.requests for key, _ in request]
    assert keys == ["AB12", "fan-0"]


def test_t1_a_publication_that_is_rolled_back_never_comes_to_kinesis(stream):
    with transaction.atomic():
        publish_registrations(1, key="a")
        transaction.set_rollback(True)
    publish_registrations(2, key="b")
    streams.hand_over("input", 40)
    assert [key for request in stream.requests for key, _ in request] == ["fan-2"]


def test_t1_refused_records_are_sent_again_before_later_ones_of_their_key(stream):
    refusals = iter([True] * 5)
    stream.is_refused = lambda key: key == "fan-1" and next(refusals, False)
    data = [streams.Record(f"fan-{n % 3}", registration(n % 3, marketId=f"m{n}")) for n in range(9)]
    for n, record in enumerate(data):
        record.data["dedupeHash"] = f"{n:064x}"
    streams.publish("input", data, key="a")
    streams.hand_over("input", 40)
    order = [
        json.loads(record.data)["marketId"]
        for shard in stream.shards()
        for record in streams_of(stream, shard)
        if json.loads(record.data)["globalUserId"] == "fan-1"
    ]
    assert order == ["m1", "m4", "m7"]
    assert take_all(Collector()) == Consumed(records_in=9, records_out=9)


def streams_of(stream, shard):
    opened = engine._reader("input").stream
    return opened.read(opened.from_start(shard)).records


def test_t1_a_handover_that_was_killed_is_repeated_and_each_record_takes_effect_once(
    stream, monkeypatch
):
    publish_registrations(*range(10), key="a")
    with monkeypatch.context() as killed:
        killed.setattr(lanes.Lane, "move_on", _die)
        with pytest.raises(KeyboardInterrupt):
            streams.hand_over("input", 40)
    streams.hand_over("input", 40)
    assert sum(map(len, stream.requests)) == 20
    collector = Collector()
    assert take_all(collector) == Consumed(records_in=20, records_out=10, duplicates=10)
    assert set(collector.got) == fans(*range(10))


def _die(*_):
    raise KeyboardInterrupt


def test_t1_children_of_shards_are_read_after_them_and_nothing_is_read_twice(stream):
    publish_registrations(*range(20), key="a")
    streams.hand_over("input", 40)
    stream.merge(*stream.shards())
    publish_registrations(*range(20, 40), key="b")
    streams.hand_over("input", 40)
    collector = Collector()
    take_all(collector)
    assert set(collector.got) == fans(*range(20))
    take_all(collector)  # finds that both have ended
    take_all(collector)
    assert set(collector.got) == fans(*range(40))
    parents, child = stream.shards()[:2], stream.shards()[2]
    ended = Checkpoint.objects.filter(consumer="collector", ended=True)
    assert sorted(ended.values_list("shard", flat=True)) == parents

    stream.split(child)
    publish_registrations(*range(40, 60), key="c")
    ledger = consumers.consume(["lake"], once=True)["lake"]
    assert (ledger["in"], ledger["out"], ledger["lag"]) == (60, 60, 0)
    for _ in range(3):
        take_all(collector)
    assert sorted(collector.got) == sorted(fans(*range(60)))


def test_l2_a_claim_that_was_left_is_taken_up_with_the_same_records_and_the_same_files(
    stream, monkeypatch
):
    """[L-2]"""
    publish_scores(30)
    streams.hand_over("scored", 40)
    with monkeypatch.context() as killed:
        killed.setattr(save.catalogue, "enter_saved", _die)
        with pytest.raises(KeyboardInterrupt):
            consumers.consume(["lake"], once=True)
    claim = Claim.objects.get(state="open")
    publish_scores(10, first=30, key="scorefile:2")
    engine.reader_of.cache_clear()  # as in a process that begins
    assert consumers.consume(["lake"], once=True)["lake"]["out"] == 40
    files = LakeFile.objects.order_by("records")
    assert [file.records for file in files] == [10, 30]
    assert files[1].claim_id == claim.pk
    assert set(read_with_polars(files[1].key)["globalUserId"]) == fans(*range(30))


def test_t1_a_text_that_is_no_json_becomes_a_dead_letter_and_is_replayed_corrected(stream):
    stream.put([b"no json", json.dumps(registration(2)).encode(), b"\xff{"])
    collector = Collector()
    assert take_all(collector) == Consumed(records_in=3, records_out=1, invalid=2)
    letters = DeadLetter.objects.order_by("id")
    assert sorted(json.loads(letter.record) for letter in letters) == ["\\xff{", "no json"]
    assert replay.is_of_stream(letters[0])
    assert replay.replay(letters[0].pk, registration(7))
    streams.hand_over("input", 40)
    assert take_all(collector) == Consumed(records_in=1, records_out=1)
    assert set(collector.got) == fans(2, 7)


def test_t1_a_record_that_breaks_its_handler_is_found_among_those_of_its_shard(stream):
    def breaks(records):
        if any(record["globalUserId"] == "fan-5" for record in records):
            raise ZeroDivisionError("a fault of one record")
        return Collector.__call__(collector, records)

    collector = Collector()
    publish_registrations(*range(12), key="a")
    streams.hand_over("input", 40)
    failures = 0
    while failures < 30 and DeadLetter.objects.count() == 0:
        for lane in lanes.open_to("collector", "input"):
            try:
                consumers.take("collector", "input", breaks, types=REGISTRATIONS, shard=lane.shard)
            except ZeroDivisionError:
                failures += 1
    take_all(collector)
    letter = DeadLetter.objects.get()
    assert json.loads(letter.record)["globalUserId"] == "fan-5"
    assert set(collector.got) >= fans(*set(range(12)) - {5})
    assert take_all(collector) == Consumed()


def test_t1_a_record_too_large_for_kinesis_becomes_a_dead_letter_and_holds_up_no_other(stream):
    publish_registrations(1, key="a")
    publish_registrations(2, key="b", tags=["x" * 2**20])
    publish_registrations(3, key="c")
    done = streams.hand_over("input", 40)
    assert (done.records, done.refused) == (2, 1)
    letter = DeadLetter.objects.get()
    assert (letter.consumer, letter.source, letter.position) == ("handover", "input", 2)
    assert "1,048,576 bytes" in letter.error
    assert take_all(Collector()) == Consumed(records_in=2, records_out=2)


def test_t1_a_position_is_reached_when_the_consumer_has_it_in_every_shard(stream):
    first = publish_registrations(*range(20), key="a").position
    second = publish_registrations(*range(20, 40), key="b").position
    assert streams.reached("collector", "input") == 0
    streams.hand_over("input", 1)
    collector = Collector()
    one, other = lanes.open_to("collector", "input")
    for lane, reached in ((one, 0), (other, first)):
        consumers.take("collector", "input", collector, types=REGISTRATIONS, shard=lane.shard)
        assert streams.reached("collector", "input") == reached
    assert streams.records_after("input", first) == 20
    streams.hand_over("input", 1)
    assert streams.reached("collector", "input") == first
    take_all(collector)
    assert streams.reached("collector", "input") == second
    assert StreamBatch.objects.filter(handed_over=None).count() == 0


def hours_pass() -> None:
    """Since the last batch was handed over."""
    places = Checkpoint.objects.filter(consumer=lanes.HANDOVER)
    places.update(updated_at=timezone.now() - timedelta(hours=30))


def losses() -> list[str]:
    return [text for text in Alert.objects.values_list("text", flat=True) if "expired" in text]


@pytest.mark.parametrize("follows", [True, False])
def test_t1_records_that_expired_before_anybody_began_to_read_them_are_reported(stream, follows):
    """Once, however often a process begins there; and nothing where nothing is missing."""
    publish_registrations(*range(10), key="a")
    streams.hand_over("input", 40)
    take_all(Collector())
    publish_registrations(*range(10, 20), key="lost")
    streams.hand_over("input", 40)
    hours_pass()
    stream.forget(20)
    if follows:
        publish_registrations(*range(20, 30), key="b")
        streams.hand_over("input", 40)
    engine.reader_of.cache_clear()
    collector = Collector()
    take_all(collector)
    take_all(collector)
    assert set(collector.got) == (fans(*range(20, 30)) if follows else set())
    texts = [each.text for each in Alert.objects.all()]
    assert len(texts) == 2  # shards
    assert all("expired before they were read" in each for each in texts)
    engine.reader_of.cache_clear()
    take_all(Collector())
    assert Alert.objects.count() == 2


def test_t1_records_that_do_not_show_yet_are_no_loss_and_those_that_are_lost_are_found_later(
    stream,
):
    """A batch that waited long for its handover was handed over just now all the same."""
    publish_registrations(*range(10), key="a")
    StreamBatch.objects.update(published_at=timezone.now() - timedelta(days=2))
    streams.hand_over("input", 40)
    stream.forget(10)
    collector = Collector()
    take_all(collector)
    assert not Alert.objects.exists()
    publish_registrations(*range(10, 20), key="b")
    streams.hand_over("input", 40)
    take_all(collector)
    assert set(collector.got) == fans(*range(10, 20))
    assert len(losses()) == 2  # shards


def test_t1_records_that_expired_while_a_process_could_not_read_are_reported(stream):
    """Its places in the shards have expired as well."""
    publish_registrations(*range(10), key="a")
    streams.hand_over("input", 40)
    collector = Collector()
    take_all(collector)
    take_all(collector)
    publish_registrations(*range(10, 20), key="lost")
    streams.hand_over("input", 40)
    stream.forget(20)
    stream.expire()
    publish_registrations(*range(20, 30), key="b")
    streams.hand_over("input", 40)
    take_all(collector)
    assert set(collector.got) == fans(*range(10), *range(20, 30))
    assert len(losses()) == 2  # shards


def test_t1_what_expired_of_records_that_a_dead_process_had_in_hand_is_reported(stream):
    for key in "ab":
        publish_registrations(*range(10), key=key)
    streams.hand_over("input", 40)
    lane = lanes.open_to("collector", "input")[0]

    def dies(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consumers.take("collector", "input", dies, types=REGISTRATIONS, shard=lane.shard)
    first = min(int(batch.handed_over[lane.shard]) for batch in StreamBatch.objects.all())
    records = streams_of(stream, lane.shard)
    stream.forget([int(each.sequence) for each in records].index(first) + 1)
    engine.reader_of.cache_clear()
    collector = Collector()
    taken = consumers.take("collector", "input", collector, types=REGISTRATIONS, shard=lane.shard)
    assert 0 < taken.records_in < len(records)
    assert f"up to {first} expired" in losses()[0]


def test_t1_a_shard_that_is_gone_with_records_is_reported_and_holds_up_nothing(stream):
    publish_registrations(*range(10), key="a")
    streams.hand_over("input", 40)
    gone = stream.shards()
    stream.merge(*gone)
    for shard in gone:
        stream.drop_shard(shard)
    last = publish_registrations(*range(10, 20), key="b").position
    streams.hand_over("input", 40)
    engine.reader_of.cache_clear()
    collector = Collector()
    take_all(collector)
    take_all(collector)
    assert set(collector.got) == fans(*range(10, 20))
    assert streams.reached("collector", "input") == last
    texts = sorted(Alert.objects.values_list("text", flat=True))
    assert len(texts) == 2
    for shard, text in zip(gone, texts, strict=True):
        assert f"no longer has shard {shard}" in text
    engine.reader_of.cache_clear()
    take_all(collector)
    assert Alert.objects.count() == 2
    consumers.consume(["lake"], once=True)
    published.count_published()
    assert streams.reached("parity", "input") == last  # so that old batches can be deleted


def test_t1_a_stream_may_have_another_name_at_kinesis(stream, settings):
    settings.KINESIS_STREAMS = {"scored": "vfInputStream"}
    stream.client.create_stream(StreamName="vfInputStream", ShardCount=1)
    publish_scores(3)
    ledgers = consumers.consume(["lake"], once=True)
    assert ledgers["lake"]["out"] == ledgers["handover"]["out"] == 3
    iterator = stream.client.get_shard_iterator(
        StreamName="vfInputStream", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    assert len(stream.client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]) == 3


def test_o4_the_correlation_id_of_the_publisher_comes_to_the_handler(stream):
    """[O-4]"""
    with correlation.correlated("abc-12345"):
        publish_registrations(1, key="a")
        publish_scores(1)
    streams.hand_over("input", 40)
    streams.hand_over("scored", 40)
    found: list[str] = []

    def handler(given):
        found.extend(record["correlationId"] for record in given)
        return {}

    for name in ("input", "scored"):
        for lane in lanes.open_to("collector", name):
            consumers.take(
                "collector", name, handler, types={"registration", "scoring"}, shard=lane.shard
            )
    assert found == ["abc-12345", "abc-12345"]


def test_x9_what_was_published_is_compared_with_what_the_lake_has(stream):
    """[X-9]"""
    publish_registrations(*range(30), key="a")
    publish_registrations(7, key="again")
    assert check.waiting_records() == 31
    consumers.consume(["lake"], once=True)
    assert check.waiting_records() == 0
    found = check.check(["registration"], read_files=True)
    assert found.ok
    assert LakeFile.objects.count() == 2


def test_t1_what_follows_deleted_batches_is_handed_over_whatever_its_key(stream):
    """[O-10, T-1]"""
    publish_registrations(1, key="a")
    StreamBatch.objects.all().delete()
    odd = streams.Record("\ud800" * 2, registration(2))
    for key in "bc":
        assert streams.publish("input", [odd], key=key).position > 1
        StreamBatch.objects.filter(batch_key="b:0").delete()
    assert streams.hand_over("input", 40).records == 1
    assert [key for request in stream.requests for key, _ in request] == ["??"]
    assert lanes.position("handover", "input") == 3


def test_t1_what_is_handed_over_while_it_is_asked_is_not_reached(stream, monkeypatch):
    """[T-1]"""
    publish_registrations(1, key="a")
    asked = engine.first_row

    def handed_over_meanwhile(statement, **values):
        found = asked(statement, **values)
        streams.hand_over("input", 40)
        return found

    monkeypatch.setattr(engine, "first_row", handed_over_meanwhile)
    assert streams.reached("collector", "input") == 0


def test_t1_apps_hear_of_a_batch_once_it_is_noted_that_it_was_handed_over(stream, monkeypatch):
    """The lake may have taken all of it before, or there was nothing to take."""
    publish_registrations(1, key="a", tags=["x" * 2**20])
    heard = []
    monkeypatch.setattr(
        streams,
        "WATCHERS",
        [lambda name: heard.append((name, streams.reached("collector", name)))],
    )
    streams.hand_over("input", 40)
    assert heard == [("input", 1)]


def test_o10_batches_that_a_consumer_has_not_taken_stay(stream):
    publish_registrations(1, key="a")
    StreamBatch.objects.update(published_at=timezone.now() - timedelta(days=90))
    streams.hand_over("input", 40)
    assert sum(old_rows.old_batches(timezone.now())) == 0
    consumers.consume(once=True)
    published.count_published()
    assert sum(old_rows.old_batches(timezone.now())) == 1


def test_x9_claims_from_before_a_change_of_engine_are_counted(stream, settings):
    """[X-9]"""
    for number, engine_name in enumerate(("postgres", "kinesis")):
        settings.STREAM_ENGINE = engine_name
        publish_registrations(number, key=f"{number}")
        consumers.consume(["lake"], once=True)
    for engine_name in ("kinesis", "postgres"):
        settings.STREAM_ENGINE = engine_name
        Claim.objects.update(is_counted=False)
        PublishedDay.objects.all().delete()
        assert published.count_published() == Claim.objects.count()
        assert PublishedDay.objects.get().records == 2
