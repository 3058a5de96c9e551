"""One record's fault is that record's: it is found, and the others take effect. [T-1]"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError

from campaigns.errors import UnreadableList
from datalake import save
from datalake.dead_letters import replay
from datalake.models import Checkpoint, Claim, DeadLetter, LakeFile, SeenRecord
from datalake.parity import check
from datalake.streams import consumers, culprits
from datalake.streams.consumers import Consumed
from datalake.streams.culprits import Search, after_deaths, after_trial
from operations.models import Alert
from tests.datalake.streams.collector import REGISTRATIONS, Collector
from tests.support.lake import publish_registrations, publish_scores
from tests.support.processes import Process


def deaths_until_found(culprit: int, records: int) -> int:
    """How often the consumer dies before the culprit is named, as the decisions go."""
    found, died = Search(), 0
    while True:
        narrower = after_deaths(found, records)
        if narrower != found and narrower.end - narrower.first == 1:
            assert narrower.first == culprit
            return died
        if not narrower.end or narrower.first <= culprit < narrower.middle:
            found, died = Search(narrower.attempts + 1, narrower.first, narrower.end), died + 1
        else:
            found = after_trial(narrower)
            assert found is not None


@pytest.mark.parametrize("records", [1, 2, 3, 100])
def test_t1_halving_names_exactly_the_record_at_fault(records):
    deaths = [deaths_until_found(culprit, records) for culprit in range(records)]
    assert min(deaths) >= culprits.DEATHS
    assert max(deaths) <= culprits.DEATHS + records.bit_length()


def test_t1_where_no_half_is_at_fault_alone_none_is_named():
    found: Search | None = Search(0, 0, 5)
    trials = 0
    while found is not None:
        assert after_deaths(found, 5) == found
        found, trials = after_trial(found), trials + 1
    assert trials == 4


def breaks_on(fan: str) -> Collector:
    class Broken(Collector):
        def __call__(self, records):
            if any(record["globalUserId"] == fan for record in records):
                raise ZeroDivisionError("a fault of one record")
            return super().__call__(records)

    return Broken()


@pytest.mark.django_db
def test_t1_a_record_that_breaks_its_handler_becomes_a_dead_letter_and_the_rest_takes_effect():
    publish_registrations(1, 2, 3, key="a")
    publish_registrations(4, 5, 6, key="b")
    collector, failures = breaks_on("fan-5"), 0
    while failures < 30:
        try:
            if (consumed := collector.take()) != Consumed():
                break
        except ZeroDivisionError:
            failures += 1
    assert consumed == Consumed(records_in=6, records_out=5, invalid=1)
    assert collector.got[-5:] == [f"fan-{number}" for number in (1, 2, 3, 4, 6)]
    assert SeenRecord.objects.count() == 5
    letter = DeadLetter.objects.get()
    assert (letter.position, letter.index) == (2, 1)
    assert json.loads(letter.record)["globalUserId"] == "fan-5"
    place = Checkpoint.objects.get()
    assert (place.position, place.attempts, place.suspect_end) == (2, 0, 0)
    assert "now a dead letter" in Alert.objects.latest("id").text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [OperationalError("away"), OSError("no space"), UnreadableList("a typo")]
)
def test_t1_what_says_nothing_of_the_records_is_tried_again_and_again(error):
    def away(records):
        raise error

    publish_registrations(1, key="a")
    for _ in range(culprits.DEATHS + 5):
        with pytest.raises(type(error)):
            consumers.take("collector", "input", away, types=REGISTRATIONS)
    assert not DeadLetter.objects.exists()
    assert Checkpoint.objects.get().attempts == 0
    collector = Collector()
    assert collector.take() == Consumed(records_in=1, records_out=1)


@pytest.mark.django_db
def test_t1_ctrl_c_is_not_the_records_fault():
    def stopped(records):
        raise KeyboardInterrupt

    publish_registrations(1, key="a")
    for _ in range(culprits.DEATHS + 2):
        with pytest.raises(KeyboardInterrupt):
            consumers.take("collector", "input", stopped, types=REGISTRATIONS)
    assert Collector().take() == Consumed(records_in=1, records_out=1)


@pytest.mark.django_db
def test_t1_batches_that_stop_the_consumer_only_together_are_reported_and_never_lost():
    def crowded(records):
        if len(records) == 3:
            raise MemoryError
        return {}

    publish_registrations(1, 2, 3, key="a")
    for _ in range(12):
        try:
            consumers.take("collector", "input", crowded, types=REGISTRATIONS)
        except MemoryError:
            continue
    assert not DeadLetter.objects.exists()
    assert any("by none of them alone" in alert.text for alert in Alert.objects.all())
    assert Collector().take() == Consumed(records_in=3, records_out=3)


@pytest.mark.django_db
@pytest.mark.parametrize("stream", ["scored", "input"])
def test_t1_a_record_that_stopped_the_lake_after_its_identity_was_entered_is_in_it_once_replayed(
    monkeypatch, stream
):
    """As columns, and as JSON."""
    encode = save.columns.encode

    def broken(record_type, frame):
        if "fan-2" in frame["globalUserId"].to_list():
            raise ZeroDivisionError("a fault of one record")
        return encode(record_type, frame)

    if stream == "scored":
        publish_scores(5)
    else:
        publish_registrations(*range(5), key="a")
    with monkeypatch.context() as patched:
        patched.setattr(save.columns, "encode", broken)
        for _ in range(12):
            with suppress(ZeroDivisionError):
                save.save(stream)
    assert LakeFile.objects.get().records == SeenRecord.objects.count() == 4
    assert replay.replay(DeadLetter.objects.get().pk)
    assert save.save(stream) == Consumed(records_in=1, records_out=1)
    assert check.check().ok
    assert sorted(LakeFile.objects.values_list("records", flat=True)) == [1, 4]


def consume_deadly() -> dict[str, Any]:
    """In a process of its own: the lake, whose encoder dies of one record."""
    encode = save.columns.encode

    def deadly(record_type, frame):
        if "fan-7" in frame["globalUserId"].to_list():
            os.kill(os.getpid(), signal.SIGKILL)
        return encode(record_type, frame)

    save.columns.encode = deadly
    return consumers.consume(["lake"], once=True)["lake"]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_t1_a_record_that_kills_the_process_is_found_by_those_that_follow():
    publish_scores(10)
    deaths = 0
    while (process := Process(consume_deadly)).wait():
        deaths += 1
        assert deaths < 10
    ledger = process.last_line()
    assert (ledger["in"], ledger["out"], ledger["rejected"]) == (10, 9, 1)
    assert deaths >= culprits.DEATHS
    letter = DeadLetter.objects.get()
    assert (letter.source, letter.index) == ("scored", 7)
    assert LakeFile.objects.get().records == 9
    assert not Claim.objects.filter(state="open").exists()
