"""One score file from upload to SAVED, and what may happen to it on the way. [S-1, S-2, S-8, S-11,
S-12, S-13]
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.db import IntegrityError, connection, connections, transaction

from campaigns.choices import ScoreFileState
from campaigns.draw import Draw
from campaigns.errors import UnreadableFile, UnreadableList, WrongCampaign, WrongStatus
from campaigns.formats import score_rows
from campaigns.models import Campaign, FanScore, ListEntry, RejectedRow, ScoreFile
from campaigns.opening import close_campaign, enter_entropy
from campaigns.registrations import imports
from campaigns.scoring import judging, publishing, roster, score_files, tables
from datalake import save, streams
from datalake.choices import StreamName
from datalake.models import StreamBatch
from datalake.storage import buckets
from datalake.streams import consumers
from operations import jobs
from operations.choices import JobState
from operations.errors import JobBusy, LeaseLost
from operations.models import Alert, Chunk, Job
from tests.support.campaigns import (
    SALT,
    SEED,
    import_registrations,
    in_memory,
    make_campaign,
    process_scores,
    receive_scores,
    registration_row,
    roster_digest,
    score_file_bytes,
    score_row,
)
from tests.support.score_files import (
    NO_ROWS_KEPT,
    everything_of,
    messy,
    read,
    rows_kept,
    start_over,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a few rows, so that a small file has many."""
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (500,))


def finished_undisturbed(campaign: Campaign, content: bytes) -> dict[str, object]:
    score_file = process_scores(campaign, content)
    return everything_of(score_file)


def test_every_row_has_one_outcome_and_the_ledger_is_whole():
    """[S-3]"""
    score_file = process_scores(make_campaign(), messy())
    assert score_file.state == ScoreFileState.STREAMED
    assert (
        score_file.rows_in
        == score_file.accepted + sum(score_file.rejected_by.values())
        == messy().count(b"\n") - 1
    )
    lines = [*FanScore.objects.filter(score_file=score_file).values_list("line", flat=True)]
    lines += RejectedRow.objects.filter(score_file=score_file).values_list("line", flat=True)
    assert sorted(lines) == list(range(2, score_file.rows_in + 2))
    assert sum(score_file.bands.values()) == score_file.accepted == score_file.streamed
    job = Job.objects.about(score_files.subject_of(score_file)).get()
    assert (job.rows_in, job.rows_out, job.rows_rejected) == (
        score_file.rows_in,
        score_file.accepted,
        score_file.rejected,
    )
    assert job.percent == 100


@pytest.mark.parametrize("wrong", [{"rows_in": 5}, {"accepted": 5}, {"rejected": -1}])
def test_a_ledger_that_does_not_add_up_is_refused_by_the_database(wrong):
    """[S-3]"""
    score_file = process_scores(make_campaign())
    with pytest.raises(IntegrityError, match="scorefile_ledger"), transaction.atomic():
        ScoreFile.objects.filter(pk=score_file.pk).update(**wrong)


def test_a_chunk_that_went_missing_fails_the_file_and_not_its_ledger(monkeypatch, small_chunks):
    """[S-3] Lines are counted apart from the chunks, so the constraint has something to compare."""
    real = judging.judge
    monkeypatch.setattr(
        judging, "judge", lambda *a: (real(*a), Chunk.objects.filter(number=1).delete())
    )
    with pytest.raises(IntegrityError, match="scorefile_ledger"):
        process_scores(make_campaign(), messy(60))
    assert ScoreFile.objects.get().state == ScoreFileState.FAILED


def test_scores_are_never_updated():
    """[S-13]"""
    score_file = process_scores(make_campaign())
    with pytest.raises(IntegrityError, match="inserted, never updated"), transaction.atomic():
        FanScore.objects.filter(score_file=score_file).update(band_score=1.0)


def test_one_fan_has_one_outcome_in_a_file():
    score_file = process_scores(
        make_campaign(), score_file_bytes([score_row(1), score_row(2, raw_local_fanscore="no")])
    )
    with pytest.raises(IntegrityError, match="one_outcome_per_fan"), transaction.atomic():
        RejectedRow.objects.create(
            score_file=score_file, line=9, global_user_id="fan-2", reason="no_contact", raw=""
        )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (score_file_bytes(), "header but no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "first line"),
        (score_file_bytes([score_row()]).replace(b"sms", b"phone"), "is missing the column sms"),
        (score_file_bytes([score_row()], packed=True)[:30], "gzip"),
    ],
)
def test_a_file_that_cannot_be_taken_leaves_nothing_behind(content, says, bucket_folders):
    """[S-1]"""
    with pytest.raises(UnreadableFile, match=says):
        receive_scores(make_campaign(), content)
    assert not ScoreFile.objects.exists()
    assert not (bucket_folders / "scoring").exists()


def test_a_campaign_that_is_not_open_takes_no_file():
    """[C-2]"""
    with pytest.raises(WrongStatus, match="draft"):
        receive_scores(make_campaign(opened=False), score_file_bytes([score_row()]))
    closed = close_campaign(make_campaign().pk, by=None)
    with pytest.raises(WrongStatus, match="closed"):
        receive_scores(closed, score_file_bytes([score_row()]))


def test_a_file_named_for_another_campaign_is_refused():
    with pytest.raises(WrongCampaign, match="other"):
        receive_scores(make_campaign(), score_file_bytes([score_row()]), name="other.20260118.txt")


def test_a_blacklist_that_cannot_be_read_fails_the_file_before_anything_is_written(bucket_folders):
    """[S-1]"""
    campaign, content = make_campaign(), score_file_bytes([score_row()])
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").mkdir(parents=True)
    with pytest.raises(UnreadableList, match=r"blacklist/emails\.txt"):
        receive_scores(campaign, content)
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").rmdir()
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").write_bytes(b"bad@\xff.example")
    with pytest.raises(UnreadableList, match=r"blacklist/emails\.txt"):
        receive_scores(campaign, content)
    assert not ScoreFile.objects.exists()


def test_files_lie_under_the_names_their_name_gives():
    """[S-1, S-11]"""
    campaign = make_campaign("12345")
    first = process_scores(campaign, score_file_bytes([score_row(1)]), name="12345.20260118.txt")
    second = process_scores(
        campaign, score_file_bytes([score_row(2)], packed=True), name="12345.20260118.txt.gz"
    )
    assert (first.key, first.scrubbed_key, first.rejected_key) == (
        "scored/12345.20260118.txt",
        "scrubbed/12345.20260118.csv",
        "scrubbed/12345.20260118.rejected.csv",
    )
    assert second.key == "scored/12345.20260118-2.txt.gz"
    assert (first.attempt, second.attempt) == (1, 2)
    assert all(
        buckets.scoring().exists(key)
        for key in (first.scrubbed_key, second.scrubbed_key, second.rejected_key)
    )


def test_a_made_up_name_never_takes_the_place_of_another_file():
    campaign = make_campaign("12345")
    names = ["12345.x.txt", "12345.x-3.txt", "12345.x.txt", "12345.x.txt"]
    files = [
        receive_scores(campaign, score_file_bytes([score_row(n)]), name=name)
        for n, name in enumerate(names)
    ]
    assert len({file.key for file in files}) == len(files)


def test_the_same_bytes_are_the_same_score_file():
    """[S-12]"""
    campaign, content = make_campaign(), messy()
    first = process_scores(campaign, content)
    again = score_files.receive(campaign, "another name", in_memory(content), by=None)
    assert again.repeated
    assert again.score_file == first
    assert ScoreFile.objects.count() == 1
    other = score_files.receive(make_campaign(), "scores", in_memory(content), by=None)
    assert not other.repeated


def test_the_same_bytes_twice_at_once_are_one_score_file(monkeypatch):
    """[S-12] Both uploads look before either is entered; the constraint decides."""
    from campaigns.scoring import reception

    campaign, content, meeting = make_campaign(), messy(), threading.Barrier(2)
    looked = threading.local()
    same_bytes = reception._same_bytes

    def look_together(*arguments):
        found = same_bytes(*arguments)
        if not getattr(looked, "once", False):
            looked.once = True
            meeting.wait(10)
        return found

    monkeypatch.setattr(reception, "_same_bytes", look_together)
    results = []

    def upload() -> None:
        try:
            results.append(score_files.receive(campaign, "scores", in_memory(content), by=None))
        finally:
            connection.close()

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.repeated for result in results) == [False, True]
    assert ScoreFile.objects.count() == 1


def test_a_failed_file_uploaded_again_is_the_same_file_and_is_taken_up_where_it_stands(
    monkeypatch, small_chunks
):
    """[S-12]"""
    campaign, content = make_campaign(), messy()
    with monkeypatch.context() as broken:
        broken.setattr(
            publishing,
            "_write_rejected",
            lambda score_file, spill: (_ for _ in ()).throw(OSError("disk full")),
        )
        with pytest.raises(OSError, match="disk full"):
            process_scores(campaign, content)
    failed = ScoreFile.objects.get()
    assert (failed.state, failed.error) == (ScoreFileState.FAILED, "OSError: disk full")
    assert Job.objects.get().state == JobState.FAILED
    judged = Chunk.objects.count()
    buckets.scoring().delete(failed.key)
    done = process_scores(campaign, content)
    assert done == failed
    assert (done.state, done.error) == (ScoreFileState.STREAMED, "")
    assert Chunk.objects.count() == judged
    disturbed = everything_of(done)
    start_over(campaign)
    assert finished_undisturbed(campaign, content) == disturbed


class Killed(BaseException):
    """The process is gone: no handler of the product sees this as a failure."""


@contextmanager
def killed_at(monkeypatch, module, name: str, call: int):
    """The process dies when the function is called for the nth time; before it does anything, or
    after.
    """
    calls, real = [0], getattr(module, name)

    def dying(*arguments, **options):
        calls[0] += 1
        if calls[0] == call:
            raise Killed
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying)
        yield


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (judging, "_write", 3),
        (tables, "fill_rejected", 4),
        (tables, "fill", 2),
        (publishing, "_write_files", 1),
        (roster, "digest", 1),
        (tables, "index", 1),
        (tables, "index", 2),
        (publishing, "_send", 1),
        (publishing, "_write_rejected", 1),
        (tables, "attach", 1),
        (tables, "attach", 2),
        (score_files, "_count", 1),
        (score_files, "mark_saved", 1),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_run_that_ends_anywhere_goes_on_to_the_same_rows_files_and_stream(
    module, name, call, monkeypatch, small_chunks
):
    """[S-12]"""
    campaign, content = make_campaign(), messy(80)
    score_file = receive_scores(campaign, content)
    job = score_files.open_job(score_file, by=None)
    with killed_at(monkeypatch, module, name, call), pytest.raises(Killed):
        score_files.process(job.pk)
    done = score_files.process(job.pk)
    assert done.state == ScoreFileState.STREAMED
    disturbed = everything_of(done)
    Job.objects.get(pk=job.pk, state=JobState.DONE, attempt=2)
    start_over(campaign)
    assert finished_undisturbed(campaign, content) == disturbed


def test_a_finished_file_processed_again_changes_nothing():
    """[O-6] A task that is doubled."""
    score_file = process_scores(make_campaign(), messy())
    before = everything_of(score_file)
    score_files.process(jobs.open_job(score_files.JOB_KIND, score_files.subject_of(score_file)).pk)
    assert everything_of(score_file) == before


def test_a_second_worker_is_told_that_the_first_is_at_it():
    """[O-6]"""
    score_file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(score_file, by=None)
    with jobs.working(job.pk), pytest.raises(JobBusy):
        score_files.process(job.pk)


def take_over(job_id: int) -> None:
    Job.objects.filter(pk=job_id).update(attempt=99)


def state_of_things() -> tuple[object, ...]:
    score_file = ScoreFile.objects.get()
    counts = [model.objects.count() for model in (Chunk, StreamBatch, Alert)]
    return score_file.state, Job.objects.get().state, *counts, rows_kept(score_file)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (score_files, "_begin"),
        (judging, "_write"),
        (roster, "digest"),
        (publishing, "draw_waiting_rows"),
        (publishing, "_send"),
        (score_files, "_count"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_worker_that_was_taken_over_writes_nothing_any_more(
    module, name, monkeypatch, small_chunks
):
    """[O-6] Neither rows nor batches nor states, its own job's included."""
    campaign = make_campaign(entropy_source="drand round 5551234")
    score_file = receive_scores(campaign, messy())
    if name in {"draw_waiting_rows", "_send", "_count"}:
        score_files.process(score_files.open_job(score_file, by=None).pk)
        Job.objects.all().delete()
        enter_entropy(campaign.pk, "4a7f", by=None)
    job = score_files.open_job(score_file, by=None)
    real, states = getattr(module, name), []

    def slow(*arguments):
        if not states:
            take_over(job.pk)
            states.append(state_of_things())
        return real(*arguments)

    monkeypatch.setattr(module, name, slow)
    with pytest.raises(LeaseLost):
        score_files.process(job.pk)
    assert states == [state_of_things()]


def test_a_fault_after_a_take_over_does_not_fail_the_file_of_the_new_worker(monkeypatch):
    """[O-6]"""
    score_file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(score_file, by=None)

    def late_fault(*arguments):
        take_over(job.pk)
        raise OSError("too late")

    monkeypatch.setattr(judging, "judge", late_fault)
    with pytest.raises(LeaseLost):
        score_files.process(job.pk)
    assert ScoreFile.objects.get().state == ScoreFileState.PROCESSING


def stop_at_chunk(monkeypatch, job_id: int, number: int, how: str) -> None:
    real = judging._write

    def write(score_file_id, judged, lease):
        real(score_file_id, judged, lease)
        if judged.number == number:
            jobs.request_stop(job_id, how)

    monkeypatch.setattr(judging, "_write", write)


def test_a_paused_file_goes_on_with_the_rules_it_began_with(monkeypatch, small_chunks):
    """[S-2, S-12]"""
    campaign, content = make_campaign(), messy(60)
    score_file = receive_scores(campaign, content)
    job = score_files.open_job(score_file, by=None)
    with monkeypatch.context() as patch:
        stop_at_chunk(patch, job.pk, 1, "pause")
        paused = score_files.process(job.pk)
    assert paused.state == ScoreFileState.PROCESSING
    assert Job.objects.get().state == JobState.PAUSED
    assert 0 < Job.objects.get().progress < content.count(b"\n")
    Campaign.objects.update(min_score=0.9)
    ListEntry.objects.create(kind="blacklist", pattern="@mail.example")
    done = score_files.process(score_files.open_job(paused, by=None).pk)
    assert done.state == ScoreFileState.STREAMED
    assert Job.objects.count() == 1
    disturbed = everything_of(done)
    Campaign.objects.update(min_score=0.22)
    ListEntry.objects.all().delete()
    start_over(campaign)
    assert finished_undisturbed(campaign, content) == disturbed


@pytest.mark.parametrize("paused_first", [False, True])
def test_a_cancelled_file_counts_for_nothing_and_can_be_taken_up_anew(
    paused_first, monkeypatch, small_chunks
):
    campaign, content = make_campaign(), messy(60)
    score_file = receive_scores(campaign, content)
    job = score_files.open_job(score_file, by=None)
    with monkeypatch.context() as patch:
        stop_at_chunk(patch, job.pk, 1, "pause" if paused_first else "cancel")
        score_files.process(job.pk)
    if paused_first:
        assert jobs.request_stop(job.pk, "cancel")
    score_file.refresh_from_db()
    assert score_file.state == ScoreFileState.FAILED
    assert "cancelled" in score_file.error
    assert Job.objects.get().state == JobState.CANCELLED
    assert rows_kept(score_file) == NO_ROWS_KEPT
    Campaign.objects.update(min_score=0.9)
    done = process_scores(campaign, content)
    assert done == score_file
    assert done.state == ScoreFileState.STREAMED
    assert FanScore.objects.filter(score_file=done, raw_score__lt=0.9).count() == 0


def test_a_file_cancelled_while_it_is_published_keeps_its_rows(monkeypatch):
    campaign = make_campaign()
    score_file = receive_scores(campaign, messy())
    job = score_files.open_job(score_file, by=None)
    with monkeypatch.context() as patch:
        real = publishing.draw_waiting_rows
        patch.setattr(
            publishing,
            "draw_waiting_rows",
            lambda *a: (jobs.request_stop(job.pk, "cancel"), real(*a)),
        )
        stopped = score_files.process(job.pk)
    assert stopped.state == ScoreFileState.VALIDATED
    done = score_files.process(score_files.open_job(stopped, by=None).pk)
    assert done.state == ScoreFileState.STREAMED


def test_a_file_whose_bytes_changed_in_the_bucket_fails_before_a_row_is_written():
    score_file = receive_scores(make_campaign(), messy())
    buckets.scoring().put(score_file.key, messy(41))
    with pytest.raises(UnreadableFile, match="checksum"):
        score_files.process(score_files.open_job(score_file, by=None).pk)
    score_file.refresh_from_db()
    assert score_file.state == ScoreFileState.FAILED
    assert rows_kept(score_file) == NO_ROWS_KEPT
    assert any("Process scores failed" in alert.text for alert in Alert.objects.all())


def test_a_file_that_breaks_off_is_refused_before_anything_is_written():
    rows = [score_row(n, member_id=str(hash(n) * 7919)) for n in range(9_000)]
    content = score_file_bytes(rows, packed=True)
    with pytest.raises(UnreadableFile, match="cannot be unpacked"):
        receive_scores(make_campaign(), content[: len(content) * 2 // 3])
    assert not ScoreFile.objects.exists()


def test_a_campaign_closed_before_its_file_was_judged_takes_it_no_more():
    """[C-2]"""
    campaign = make_campaign()
    score_file = receive_scores(campaign, messy())
    close_campaign(campaign.pk, by=None)
    with pytest.raises(WrongStatus):
        score_files.process(score_files.open_job(score_file, by=None).pk)
    assert rows_kept(score_file) == NO_ROWS_KEPT


def test_a_campaign_closed_while_its_file_is_published_does_not_count_it(monkeypatch):
    """[C-2]"""
    campaign, real = make_campaign(), publishing.publish
    score_file = receive_scores(campaign, messy(), activate=False)
    monkeypatch.setattr(
        publishing, "publish", lambda *a: (real(*a), close_campaign(campaign.pk, by=None))[0]
    )
    with pytest.raises(WrongStatus):
        score_files.process(score_files.open_job(score_file, by=None).pk)
    assert not FanScore.objects.filter(score_file=score_file).exists()


def test_a_file_that_needs_a_public_value_waits_with_its_roster_public_and_is_drawn_when_it_is_there():
    """[S-8, S-10, S-12]"""
    campaign = make_campaign(entropy_source="drand round 5551234")
    waiting = process_scores(campaign, messy())
    assert waiting.state == ScoreFileState.VALIDATED
    assert len(waiting.roster_digest) == 64
    assert not StreamBatch.objects.exists()
    assert Job.objects.get().state == JobState.DONE
    entered = enter_entropy(campaign.pk, "  4a7f\n", by=None)
    (released,) = score_files.release_waiting(entered)
    done = score_files.process(score_files.open_job(released, by=None).pk)
    assert done.state == ScoreFileState.STREAMED
    draw = Draw(campaign.campaign_id, SEED, SALT, "4a7f")
    rows = list(
        FanScore.objects.filter(score_file=done).values_list("global_user_id", "raw_text", "luck")
    )
    assert rows
    assert all(luck == int.from_bytes(draw.full_h(fan)[:8], "big") - 2**63 for fan, _, luck in rows)
    assert done.roster_digest == roster_digest(
        [draw.fan_ref(fan) for fan, *_ in rows], [raw for _, raw, _ in rows]
    )
    assert done.roster_digest == waiting.roster_digest
    assert done.rows_in == done.accepted + done.rejected


def test_a_value_that_comes_between_two_halves_of_a_file_draws_all_of_it(monkeypatch, small_chunks):
    """[S-8]"""
    campaign = make_campaign(entropy_source="drand round 5551234")
    score_file = receive_scores(campaign, messy(60))
    job = score_files.open_job(score_file, by=None)
    with killed_at(monkeypatch, judging, "_write", 4), pytest.raises(Killed):
        score_files.process(job.pk)
    enter_entropy(campaign.pk, "4a7f", by=None)
    done = score_files.process(job.pk)
    assert done.state == ScoreFileState.STREAMED
    draw = Draw(campaign.campaign_id, SEED, SALT, "4a7f")
    lucks = dict(FanScore.objects.filter(score_file=done).values_list("global_user_id", "luck"))
    assert lucks == {fan: int.from_bytes(draw.full_h(fan)[:8], "big") - 2**63 for fan in lucks}
    assert b",,|" not in read(done.scrubbed_key)


def test_the_same_fan_has_the_same_luck_in_every_file():
    """[S-8] Nothing that is uploaded again can fish for a better result."""
    campaign = make_campaign()
    first = process_scores(campaign, messy(30))
    second = process_scores(
        campaign,
        score_file_bytes([score_row(n, raw_local_fanscore="0.6") for n in range(40, 0, -1)]),
    )
    lucks = [
        dict(FanScore.objects.filter(score_file=file).values_list("global_user_id", "luck"))
        for file in (first, second)
    ]
    shared = lucks[0].keys() & lucks[1].keys()
    assert len(shared) > 10
    assert all(lucks[0][fan] == lucks[1][fan] for fan in shared)


def test_registrations_give_the_market_and_confirm_the_phone_they_hold():
    """[S-5, S-11]"""
    campaign = make_campaign()
    import_registrations(
        campaign,
        [
            registration_row(1, phone="+12065550001"),
            registration_row(2, phone="+12065559999", market_preferences="east"),
            registration_row(3, phone="+12065550003", phone_confirmed="no", market_preferences=""),
        ],
    )
    score_file = process_scores(campaign, score_file_bytes([score_row(n) for n in (1, 2, 3, 4)]))
    found = {
        fan: (confirmed, market, tags)
        for fan, confirmed, market, tags in FanScore.objects.filter(
            score_file=score_file
        ).values_list("global_user_id", "phone_confirmed", "market_id", "tags")
    }
    assert found == {
        "fan-1": (True, "west", ""),
        "fan-2": (False, "east", "unconfirmed_phone"),
        "fan-3": (False, "", "unconfirmed_phone"),
        "fan-4": (False, "", "unconfirmed_phone"),
    }


def test_the_column_decides_about_confirmation_where_it_is_there():
    """[S-5]"""
    campaign = make_campaign(require_confirmed_phone=True)
    import_registrations(
        campaign,
        [registration_row(1, phone="+12065550001"), registration_row(2, phone="+12065550002")],
    )
    columns = [*score_row(), "phone_confirmed"]
    rows = [
        score_row(1, phone_confirmed="0", tmemail=""),
        score_row(2, phone_confirmed="YES", tmemail=""),
    ]
    score_file = process_scores(campaign, score_file_bytes(rows, columns=columns))
    assert score_file.rejected_by == {"no_contact": 1}
    assert FanScore.objects.get(score_file=score_file).global_user_id == "fan-2"


def test_shared_contacts_are_counted_over_a_resumed_file(monkeypatch, small_chunks):
    """[S-6, S-12]"""
    campaign = make_campaign(max_fans_per_contact=3)
    content = score_file_bytes(
        [score_row(n, tmemail=f"one{n % 2}@mail.example") for n in range(60)]
    )
    score_file = receive_scores(campaign, content)
    job = score_files.open_job(score_file, by=None)
    with killed_at(monkeypatch, judging, "_write", 4), pytest.raises(Killed):
        score_files.process(job.pk)
    done = score_files.process(job.pk)
    assert done.accepted == 6
    assert sorted(FanScore.objects.filter(score_file=done).values_list("line", flat=True)) == [
        2,
        3,
        4,
        5,
        6,
        7,
    ]


def test_a_file_without_an_accepted_row_is_saved_at_once():
    score_file = process_scores(
        make_campaign(), score_file_bytes([score_row(1, raw_local_fanscore="0.1")])
    )
    assert score_file.state == ScoreFileState.SAVED
    assert (score_file.accepted, score_file.streamed, score_file.stream_position) == (0, 0, None)
    assert (
        read(score_file.scrubbed_key)
        == b"id,email,phone,globalUserId,memberId,score,band_score,tags,marketId\n"
    )


def test_a_file_is_saved_when_the_lake_has_its_last_batch(monkeypatch):
    """[S-12]"""
    monkeypatch.setattr(streams, "BATCH_RECORDS", 5)
    monkeypatch.setattr(publishing, "RECORDS_AT_A_TIME", 10)
    score_file = process_scores(make_campaign(), messy())
    assert score_file.state == ScoreFileState.STREAMED
    while consumers.position(save.CONSUMER, StreamName.SCORED) < score_file.stream_position:
        score_file.refresh_from_db()
        assert score_file.state == ScoreFileState.STREAMED
        save.save(StreamName.SCORED, 1)
    score_file.refresh_from_db()
    assert score_file.state == ScoreFileState.SAVED


def test_a_lake_that_was_faster_than_the_file_saves_it_all_the_same(monkeypatch):
    """[S-12] The last batch is in the lake before the file is STREAMED."""
    real = publishing.publish
    monkeypatch.setattr(
        publishing, "publish", lambda *a: (real(*a), save.save(StreamName.SCORED))[0]
    )
    assert process_scores(make_campaign(), messy()).state == ScoreFileState.SAVED


@pytest.mark.parametrize("table", [tables.SCORES, tables.REJECTED])
def test_attaching_waits_for_a_lock_and_tries_again(monkeypatch, table):
    """[S-13] Somebody holds the table of all rows for longer than one try."""
    monkeypatch.setattr(tables, "LOCK_TIMEOUT", "100ms")
    campaign, held, tries = make_campaign(), [], []
    settings = connections["default"].get_connection_params()
    holder = psycopg.connect(
        **{k: settings[k] for k in ("dbname", "user", "password", "host", "port") if k in settings}
    )
    real = tables.attach

    def attach(number: int, of: str = tables.SCORES) -> None:
        if of != table:
            return real(number, of)
        if not held:
            held.append(holder.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE"))
        elif len(tries) == 2:
            holder.rollback()
        tries.append(number)
        return real(number, of)

    monkeypatch.setattr(tables, "attach", attach)
    try:
        assert process_scores(campaign, messy()).state == ScoreFileState.STREAMED
    finally:
        holder.close()
    assert len(tries) == 3


def test_slack_is_told_what_came_of_the_file():
    """[S-11]"""
    content = score_file_bytes([score_row(1), score_row(1), score_row(2, sms="")])
    process_scores(make_campaign(), content, name="march scores")
    (alert,) = Alert.objects.all()
    assert "march scores" in alert.text
    assert "3 in, 2 accepted, 1 rejected (Duplicate of an earlier row: 1)" in alert.text
    assert "No phone number: 1" in alert.text
    assert "now active" in alert.text
    assert "mail.example" not in alert.text


def test_nobodys_rows_stay_on_this_machines_disk(bucket_folders, monkeypatch):
    campaign = make_campaign()
    process_scores(campaign, messy())
    monkeypatch.setattr(publishing, "publish", lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        process_scores(campaign, messy(41))
    assert list((bucket_folders / "work").iterdir()) == []


def test_registrations_are_not_touched_by_scores():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1)])
    process_scores(campaign)
    assert imports.publish(campaign) == 0
