"""Events of an error file once more, as they are or repaired. [BR-014, BR-017]"""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User

from datalake.models import LakeFile
from datalake.storage import buckets
from demand.archiving import archive
from demand.choices import BatchState, ErrorType
from demand.errors import BatchTaken, CannotReplay
from demand.models import Batch, CurrentRecord, ErrorFile, Snapshot
from demand.sources import replay
from operations.models import StatusChange
from tests.support.change_events import DEMAND, SALE, archived, change

pytestmark = pytest.mark.django_db

NO_FAN = change(DEMAND, fanId="")
NO_START = change(SALE, saleStartDateTime="soon")


def failed(*raws: bytes, kind: ErrorType | None = None) -> ErrorFile:
    """The error file of a batch of these events."""
    files = archived(list(raws)).error_files.all()
    return files.get(error_type=kind) if kind else files.get()


def repaired(raw: bytes, old: str, new: str) -> str:
    assert old in raw.decode()
    return raw.decode().replace(old, new)


MENDED = repaired(NO_FAN, '"fanId": {"S": ""}', '"fanId": {"S": "fan-9"}')


def test_repaired_events_are_archived_as_a_batch_of_their_own():
    error_file = failed(NO_FAN, NO_FAN)
    batch = replay.replay(error_file, events=[MENDED], by=None, reason="the fan was found")
    assert (batch.source, batch.first) == (f"replay:{error_file.key}", "1")
    assert (batch.state, batch.events, batch.archived) == (BatchState.DONE, 1, 1)
    assert CurrentRecord.objects.get().fan_id == "fan-9"
    assert LakeFile.objects.get().delivery.batch == batch


def test_who_replayed_when_and_why_is_recorded():
    by = User.objects.create_user("ada")
    error_file = failed(NO_FAN)
    replay.replay(error_file, events=[MENDED], by=by, reason="the fan was found")
    (move,) = StatusChange.objects.about(replay.subject_of(error_file))
    assert (move.to_state, move.by, move.reason) == ("replayed, try 1", by, "the fan was found")


def test_as_they_are_events_fail_for_the_same_reason_into_a_new_error_file_each_time():
    error_file = failed(NO_START, NO_START)
    first = replay.replay(error_file, events=None, by=None)
    second = replay.replay(error_file, events=None, by=None)
    assert [batch.first for batch in (first, second)] == ["1", "2"]
    assert [batch.error_counts for batch in (first, second)] == [{"invalid_date": 2}] * 2
    assert len({file.key for file in ErrorFile.objects.all()}) == 3


def test_as_they_are_events_are_archived_once_the_rule_that_refused_them_is_fixed(monkeypatch):
    monkeypatch.setattr("demand.events.conversion.MOST_EVENT_BYTES", 10)
    error_file = failed(change(DEMAND), change(SALE))
    monkeypatch.undo()
    batch = replay.replay(error_file, events=None, by=None)
    assert (batch.archived, batch.errors) == (2, 0)
    assert Snapshot.objects.count() == 2


def test_the_same_events_are_not_archived_twice():
    error_file = failed(NO_FAN)
    first = replay.replay(error_file, events=[MENDED], by=None)
    again = replay.replay(error_file, events=[MENDED], by=None)
    assert (again.pk, again.attempt) == (first.pk, 1)
    assert Snapshot.objects.count() == 1
    assert StatusChange.objects.about(replay.subject_of(error_file)).count() == 1


def test_asking_twice_at_once_is_asking_once(monkeypatch):
    """The second request comes while the first is at its files."""
    error_file, write, second = failed(NO_FAN), archive.write, []

    def write_while_another_asks(parts):
        monkeypatch.setattr(archive, "write", write)
        batch = Batch.objects.get(source=replay.source_of(error_file))
        second.append(replay.replay(error_file, events=[MENDED], by=None))
        assert second[0].pk == batch.pk
        write(parts)

    monkeypatch.setattr(archive, "write", write_while_another_asks)
    with pytest.raises(BatchTaken):
        replay.replay(error_file, events=[MENDED], by=None)
    assert second[0].archived == 1
    assert Snapshot.objects.count() == 1


def test_a_try_that_died_is_taken_up_by_the_same_request_and_left_by_another(monkeypatch):
    error_file, calls = failed(NO_FAN), []

    def dies(parts):
        calls.append(parts)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(archive, "write", dies)
        with pytest.raises(OSError, match="Input/output"):
            replay.replay(error_file, events=[MENDED], by=None)
    other = replay.replay(error_file, events=[MENDED, MENDED], by=None)
    assert (other.first, other.archived) == ("2", 2)
    same = replay.replay(error_file, events=[MENDED], by=None)
    assert (same.first, same.attempt, same.archived) == ("1", 2, 1)


def test_an_event_without_a_time_of_its_own_has_that_of_the_batch_it_failed_in():
    made = json.loads(NO_FAN)
    del made["dynamodb"]["ApproximateCreationDateTime"]
    error_file = failed(json.dumps(made).encode())
    made["dynamodb"]["NewImage"]["fanId"] = {"S": "fan-9"}
    replay.replay(error_file, events=[json.dumps(made)], by=None)
    assert CurrentRecord.objects.get().changed_at == error_file.batch.created_at


def test_what_cannot_be_parsed_is_replayed_only_with_a_repaired_text():
    error_file = failed(b'{"eventName": ')
    with pytest.raises(
        CannotReplay, match="1 of 1 event had personal data removed or cannot be parsed"
    ):
        replay.replay(error_file, events=None, by=None)
    assert replay.replay(error_file, events=[MENDED], by=None).archived == 1


def test_what_was_scrubbed_of_an_unknown_change_is_replayed_only_with_a_repaired_text():
    error_file = failed(change(DEMAND, "UPSERT"), kind=ErrorType.WRONG_ENVELOPE)
    with pytest.raises(CannotReplay, match="personal data removed"):
        replay.replay(error_file, events=None, by=None)


def test_br005_a_scrubbed_deletion_is_replayed_as_it_is_for_the_archive_would_scrub_it_too(
    monkeypatch,
):
    monkeypatch.setattr("demand.events.conversion.MOST_EVENT_BYTES", 10)
    error_file = failed(change(DEMAND, "REMOVE"))
    monkeypatch.undo()
    assert replay.replay(error_file, events=None, by=None).archived == 1
    assert CurrentRecord.objects.get().record["email"] == "[redacted]"


def test_an_erased_event_is_not_replayed():
    error_file = failed(NO_FAN)
    with buckets.campaign_data().open(error_file.key) as file:
        document = json.load(file)
    buckets.campaign_data().put(
        error_file.key, json.dumps(document | {"events": ["[erased]"]}).encode()
    )
    with pytest.raises(CannotReplay, match="number 1"):
        replay.replay(error_file, events=None, by=None)


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"events": 3}'])
def test_an_error_file_that_is_gone_or_broken_is_reported_in_plain_words(content):
    error_file = failed(NO_FAN)
    if content is None:
        buckets.campaign_data().delete(error_file.key)
    else:
        buckets.campaign_data().put(error_file.key, content)
    with pytest.raises(CannotReplay, match=r"no longer in|not an error file"):
        replay.replay(error_file, events=None, by=None)


def test_nothing_and_too_much_are_refused():
    error_file = failed(NO_FAN)
    with pytest.raises(CannotReplay, match="no events"):
        replay.replay(error_file, events=[" ", ""], by=None)
    with pytest.raises(CannotReplay, match="1,001 events"):
        replay.replay(error_file, events=[MENDED] * 1_001, by=None)
    assert not Batch.objects.filter(source=replay.source_of(error_file)).exists()
