"""Streams and dead letters without a fan. [X-11, T-1]"""

from __future__ import annotations

import pytest

from datalake import save, streams
from datalake.choices import ClaimState
from datalake.erased.erasing import Sought
from datalake.erased.fans import mark
from datalake.erasure.streams import (
    erase_batches,
    erase_letters,
    erase_messages,
    refuse_while_saved,
    rename_identities,
)
from datalake.errors import EraseLater
from datalake.models import Claim, DeadLetter, LakeFile, SeenRecord
from datalake.streams.batches import unpack_records
from operations.database.locks import exclusive
from tests.console.erasure.erasure_cases import objects_with
from tests.support.connections import elsewhere
from tests.support.lake import publish_registrations, publish_scores, registration

pytestmark = pytest.mark.django_db(transaction=True)
ME = Sought("fan-2", 1, frozenset({"fan2@example.com"}))


def on(stream: str) -> list[dict]:
    return [each for batch in streams.read(stream, 1, 9) for each in unpack_records(batch.payload)]


def test_x11_batches_of_both_forms_keep_their_records_and_what_took_effect_did_so_once():
    publish_scores(4)
    publish_registrations(1, 2, key="some")
    save.save("scored")
    mark("fan-2")
    places = []
    assert list(erase_batches(ME, places.append)) == []
    assert [(place.name, place.count) for place in places] == [
        ("records on stream input", 1),
        ("records on stream scored", 1),
    ]
    records = on("scored") + on("input")
    assert (len(records), "fan-2" in str(records), "fan2@" in str(records)) == (6, False, False)
    again = streams.read("scored", 1, 1)[0].payload
    streams.publish_packed("scored", [("again", again)])
    assert save.save("scored").duplicates == 4
    save.save("input")
    assert sum(LakeFile.objects.values_list("records", flat=True)) == 6


def test_x11_what_comes_later_from_before_the_erasure_comes_into_the_lake_without_the_fan():
    mark("fan-2")
    publish_registrations(1, 2, key="late")
    save.save("input")
    key = LakeFile.objects.get().key
    assert objects_with(["fan-2"]) == set()
    assert key


def test_x11_dead_letters_stay_without_the_fan():
    bad = registration(2) | {"tags": 7, "note": "of fan2@example.com"}
    streams.publish("input", [streams.Record("fan-2", bad)], key="bad")
    save.save("input")
    mark("fan-2")
    erase_letters(ME, lambda place: None)
    letter = DeadLetter.objects.get()
    assert "fan-2" not in letter.record
    assert "of [erased]" in letter.record


def test_x11_a_save_that_began_before_the_erasure_is_waited_for():
    before = Claim.objects.create(consumer=save.CONSUMER, source="input", first=1, last=1)
    known = mark("fan-2")
    after = Claim.objects.create(consumer=save.CONSUMER, source="scored", first=1, last=1)
    assert after.claimed_at
    with pytest.raises(EraseLater, match="has not finished saving"):
        refuse_while_saved(known.erased_at)
    Claim.objects.filter(pk=before.pk).update(state=ClaimState.DONE)
    refuse_while_saved(known.erased_at)


def test_x11_an_identity_that_stays_the_same_stays_known():
    publish_scores(1)
    save.save("scored")
    (record,) = on("scored")
    rename_identities([(record["dedupeHash"], record["dedupeHash"])])
    assert SeenRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("source", "lock"),
    [("file:a/b.avro#00", "lake:file:a/b.avro"), ("replay:7", "replay:7")],
)
def test_x11_the_claim_that_a_killed_adoption_or_replay_left_is_not_waited_for(source, lock):
    Claim.objects.create(consumer=save.CONSUMER, source=source)
    known = mark("fan-2")
    refuse_while_saved(known.erased_at)
    with exclusive(lock), pytest.raises(EraseLater, match="being adopted"):
        elsewhere(lambda: refuse_while_saved(known.erased_at))


def test_x11_messages_that_sqs_has_are_named_as_not_reached(settings):
    settings.VERDICT_QUEUE = ""
    assert list(erase_messages(ME, lambda place: None)) == []
    settings.VERDICT_QUEUE = "https://sqs.example/verdict.fifo"
    (left,) = erase_messages(ME, lambda place: None)
    assert left.place == "messages of the verdict queue that SQS has"
