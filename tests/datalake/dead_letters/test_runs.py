"""Many dead letters are replayed or settled as a job. [T-1, O-1]"""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User

from datalake import save
from datalake.dead_letters import replay, runs
from datalake.dead_letters.found import Asked
from datalake.models import DeadLetter, StreamBatch
from datalake.storage.objects import BucketUnreachable
from operations import jobs
from operations.choices import JobState
from operations.models import Job, StatusChange
from tests.datalake.dead_letters.letter_rows import a_letter
from tests.support.lake import registration

pytestmark = pytest.mark.django_db
REASON = "the source is fixed"


def states() -> list[str]:
    return [letter.state for letter in DeadLetter.objects.order_by("pk")]


@pytest.fixture
def ann() -> User:
    return User.objects.create(username="ann")


def ask(kind, what, by) -> Job:
    return runs.ask(kind, what, by=by, reason=REASON)


def test_t1_all_letters_of_a_filter_are_replayed_and_what_comes_later_is_left(ann, monkeypatch):
    monkeypatch.setattr(runs, "AT_A_TIME", 2)
    letters = [a_letter("no date"), a_letter("other"), a_letter("no date"), a_letter("no date")]
    job = ask(runs.REPLAY, Asked(like=letters[0].pk), ann)
    a_letter("no date")
    runs.run_replay(job.pk)
    assert states() == ["replayed", "waiting", "replayed", "replayed", "waiting"]
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out, job.total) == (JobState.DONE, 3, 3, 3)
    assert {letter.settled_by_job for letter in DeadLetter.objects.all()} == {None, job.pk}
    change = StatusChange.objects.get()
    assert (change.subject, change.to_state) == (runs.subject_of(job), "replayed")
    assert (change.by, change.reason) == (ann, REASON)


def test_t1_letters_of_a_selection_are_settled_without_a_replay(ann):
    letters = [a_letter() for _ in range(3)]
    job = ask(runs.SETTLE, [letters[2].pk, letters[0].pk], ann)
    runs.run_settle(job.pk)
    assert states() == ["settled", "waiting", "settled"]
    assert not StreamBatch.objects.exists()
    job.refresh_from_db()
    assert (job.rows_in, job.rows_out) == (2, 2)


def test_t1_a_letter_whose_message_is_gone_waits_on_and_ends_no_job(ann):
    a_letter(source="queue:verdict")
    a_letter()
    runs.run_replay(ask(runs.REPLAY, Asked(), ann).pk)
    assert states() == ["waiting", "replayed"]


def test_t1_a_bucket_that_is_away_holds_up_no_other_page(ann, monkeypatch):
    monkeypatch.setattr(runs, "AT_A_TIME", 2)
    source = "file:avro/registration/2026/01/20/x.avro#0123456789abcdef"
    for number in range(5):
        record = json.dumps(registration(number))
        a_letter(source=source if number in {0, 2} else "input", record=record)
    job = ask(runs.REPLAY, Asked(), ann)
    with monkeypatch.context() as patched:
        patched.setattr(save, "write_file", away)
        with pytest.raises(BucketUnreachable, match="no answer 3 of 5 dead letters were replayed"):
            runs.run_replay(job.pk)
    assert states() == ["waiting", "replayed", "waiting", "replayed", "replayed"]
    assert jobs.requeue(job.pk)
    runs.run_replay(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_out, set(states())) == (JobState.DONE, 5, {"replayed"})


def away(*about):
    raise OSError("no answer")


def test_asking_twice_is_asking_once(ann):
    letters = [a_letter(), a_letter()]
    pks = [letter.pk for letter in letters]
    assert ask(runs.REPLAY, pks, ann) == ask(runs.REPLAY, pks[::-1], ann)
    assert StatusChange.objects.count() == 1
    assert ask(runs.REPLAY, pks[:1], ann) != ask(runs.REPLAY, pks, ann)


def test_o1_a_job_that_is_paused_goes_on_where_it_stopped_and_counts_all_of_it(ann, monkeypatch):
    letters = [a_letter() for _ in range(3)]
    job = ask(runs.REPLAY, Asked(), ann)
    real = replay._put_back

    def then_pause(numbers, **more):
        Job.objects.filter(pk=job.pk).update(stop_requested="pause")
        return real(numbers, **more)

    monkeypatch.setattr(replay, "PIECE_CHARACTERS", 1)
    monkeypatch.setattr(replay, "_put_back", then_pause)
    runs.run_replay(job.pk)
    job.refresh_from_db()
    assert (job.state, states()) == (JobState.PAUSED, ["replayed", "waiting", "waiting"])
    monkeypatch.setattr(replay, "_put_back", real)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, stop_requested="")
    runs.run_replay(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_out) == (JobState.DONE, len(letters))
