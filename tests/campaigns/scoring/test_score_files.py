"""One score file from upload to SAVED, and what may happen to it on the way. [S-1, S-2, S-8, S-11,
S-12, S-13]
"""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from campaigns.choices import ScoreFileState
from campaigns.draw import Draw
from campaigns.entropy.entry import enter_entropy
from campaigns.errors import UnreadableFile, WrongStatus
from campaigns.formats import score_rows
from campaigns.models import Campaign, FanScore, ListEntry, RejectedRow, ScoreFile
from campaigns.opening import close_campaign
from campaigns.registrations import imports
from campaigns.scoring import judging, publishing, roster, score_files, streaming, tables
from datalake.models import StreamBatch
from datalake.storage import buckets
from operations import foreground, jobs, leases
from operations.choices import JobState
from operations.errors import JobBusy, LeaseLost
from operations.models import Alert, Chunk, Job
from operations.progress import sentence
from tests.campaigns.scoring.kills import Killed, killed_at
from tests.support.campaigns import (
    SALT,
    SEED,
    import_registrations,
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
    rows_kept,
    start_over,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


CAMPAIGN = "spring-tour"
UNDISTURBED: dict[bytes, dict[str, object]] = {}  # by the file's bytes, once for all tests


def finished_undisturbed(content: bytes) -> dict[str, object]:
    """Everything that the file leads to in the campaign CAMPAIGN where nothing happens to it."""
    campaign = Campaign.objects.get(campaign_id=CAMPAIGN)
    if content not in UNDISTURBED:
        start_over(campaign)
        UNDISTURBED[content] = everything_of(process_scores(campaign, content))
    return UNDISTURBED[content]


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


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"rows_in": 5}, "scorefile_ledger"),
        ({"accepted": 5}, "scorefile_ledger"),
        ({"rejected": -1}, "scorefile_ledger"),
        ({"streamed": 0}, "scorefile_streamed_all"),
        ({"roster_size": 0}, "scorefile_roster_lists_all"),
    ],
)
def test_counts_that_do_not_add_up_are_refused_by_the_database(wrong, constraint):
    """[S-3, S-10, S-11]"""
    score_file = process_scores(make_campaign())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ScoreFile.objects.filter(pk=score_file.pk).update(**wrong)


def test_a_failed_file_uploaded_again_is_the_same_file_and_is_taken_up_where_it_stands(
    monkeypatch, small_chunks
):
    """[S-12]"""
    campaign, content = make_campaign(CAMPAIGN), messy()
    with monkeypatch.context() as broken:
        broken.setattr(
            publishing,
            "_write_rejected",
            lambda score_file, cache: (_ for _ in ()).throw(OSError("disk full")),
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
    assert finished_undisturbed(content) == disturbed


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (judging, "_write", 3),
        (tables, "fill_rejected", 4),
        (tables, "fill", 2),
        (publishing, "_write_files", 1),
        (roster, "write", 1),
        (tables, "index", 1),
        (tables, "index", 2),
        (publishing, "_send", 1),
        (publishing, "_write_rejected", 1),
        (tables, "attach", 1),
        (tables, "attach", 2),
        (streaming, "_count", 1),
        (streaming, "mark_saved", 1),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_run_that_ends_anywhere_goes_on_to_the_same_rows_files_and_stream(
    module, name, call, monkeypatch, small_chunks
):
    """[S-12]"""
    campaign, content = make_campaign(CAMPAIGN), messy()
    score_file = receive_scores(campaign, content)
    job = score_files.open_job(score_file, by=None)
    with killed_at(monkeypatch, module, name, call), pytest.raises(Killed):
        score_files.process(job.pk)
    done = score_files.process(job.pk)
    assert done.state == ScoreFileState.STREAMED
    disturbed = everything_of(done)
    Job.objects.get(pk=job.pk, state=JobState.DONE, attempt=2)
    assert finished_undisturbed(content) == disturbed


def test_a_finished_file_processed_again_changes_nothing():
    """[O-6] A task that is doubled."""
    score_file = process_scores(make_campaign(), messy())
    before = everything_of(score_file)
    score_files.process(jobs.open_job(score_files.JOB_KIND, score_files.subject_of(score_file)).pk)
    assert everything_of(score_file) == before


def test_a_second_worker_is_refused_while_the_first_is_working():
    """[O-6]"""
    score_file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(score_file, by=None)
    with leases.working(job.pk), pytest.raises(JobBusy):
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
        (roster, "write"),
        (publishing, "draw_waiting_rows"),
        (publishing, "_send"),
        (streaming, "_count"),
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


def stop_at_chunk(monkeypatch, job_id: int, number: int, how: str) -> None:
    real = judging._write

    def write(score_file_id, judged, lease):
        real(score_file_id, judged, lease)
        if judged.number == number:
            jobs.request_stop(job_id, how)

    monkeypatch.setattr(judging, "_write", write)


def test_a_paused_file_goes_on_with_the_rules_it_began_with(monkeypatch, small_chunks):
    """[S-2, S-12]"""
    campaign, content = make_campaign(CAMPAIGN), messy()
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
    assert finished_undisturbed(content) == disturbed


@pytest.mark.parametrize("paused_first", [False, True])
def test_a_cancelled_file_counts_for_nothing_and_can_be_taken_up_anew(
    paused_first, monkeypatch, small_chunks
):
    campaign, content = make_campaign(), messy()
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
    assert done.roster_digest == roster_digest((draw.fan_ref(fan), raw, "") for fan, raw, _ in rows)
    assert done.roster_digest == waiting.roster_digest
    assert done.rows_in == done.accepted + done.rejected


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FAILED])
def test_s8_a_judged_file_whose_job_was_cancelled_or_failed_is_left_to_people(state):
    campaign = make_campaign()
    judged = process_scores(campaign, messy())
    ScoreFile.objects.filter(pk=judged.pk).update(state=ScoreFileState.VALIDATED)
    assert score_files.release_waiting() == [judged]
    Job.objects.update(state=state, error="it failed")
    assert score_files.release_waiting() == []


def test_a_value_that_is_entered_while_a_file_is_processed_draws_it(monkeypatch):
    """S-8"""
    campaign, real = make_campaign(entropy_source="drand round 5551234"), judging.judge

    def entered_meanwhile(*arguments):
        enter_entropy(campaign.pk, "4a7f", by=None)
        assert score_files.release_waiting(campaign) == []
        real(*arguments)

    monkeypatch.setattr(judging, "judge", entered_meanwhile)
    assert process_scores(campaign, messy()).state == ScoreFileState.STREAMED


def test_a_value_that_is_entered_when_the_rows_were_just_validated_draws_them(monkeypatch):
    """S-8"""
    campaign, real = make_campaign(entropy_source="drand round 5551234"), score_files._validate

    def entered_meanwhile(*arguments):
        real(*arguments)
        enter_entropy(campaign.pk, "4a7f", by=None)
        assert score_files.release_waiting(campaign) == []  # its job is at work

    monkeypatch.setattr(score_files, "_validate", entered_meanwhile)
    assert process_scores(campaign, messy()).state == ScoreFileState.STREAMED


def test_registrations_are_not_touched_by_scores():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1)])
    process_scores(campaign)
    assert imports.publish(campaign) == 0


def test_a_score_file_names_its_stages_in_order(steps):
    score_file = process_scores(make_campaign(), messy())
    assert [name for name, *_ in steps] == [
        *(
            "Reading the file",
            "Checking rows",
            "Creating the roster",
            "Writing files and publishing",
            "Indexing the rows",
        )
    ]
    _, judging, *at_first = steps[1]
    assert (judging.first, judging.rows, at_first) == (
        0,
        score_file.rows_in,
        [0, 2 * score_file.rows_in],
    )
    _, writing, progress, total = steps[3]
    assert (
        (writing.first, writing.rows)
        == (progress, score_file.accepted)
        == (score_file.rows_in, score_file.accepted)
    )
    assert total == score_file.rows_in + score_file.accepted
    job = Job.objects.about(score_files.subject_of(score_file)).get()
    assert (job.progress, job.total, foreground.words_for(job)) == (total, total, "")


def test_a_resumed_file_goes_on_counting_where_it_stopped(steps, monkeypatch):
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (500,))
    score_file = receive_scores(make_campaign(), messy())
    job = score_files.open_job(score_file, by=None)
    real = leases.Lease.check_stop
    looks: list[int] = []

    def stop_at_the_third_look(lease):
        looks.append(1)
        if len(looks) == 3:
            jobs.request_stop(job.pk, "pause")
        real(lease)

    with monkeypatch.context() as patch:
        patch.setattr(leases.Lease, "check_stop", stop_at_the_third_look)
        score_files.process(job.pk)
    stopped_at = Job.objects.get(pk=job.pk).progress
    assert jobs.requeue(job.pk)
    steps.clear()
    score_files.process(job.pk)
    name, judging, progress, total = steps[1]
    assert (name, progress) == ("Checking rows", stopped_at)
    assert 0 < stopped_at < judging.rows
    assert f"{stopped_at:,} of {judging.rows:,} rows" in sentence(
        judging, now=0.0, progress=progress, total=total
    )


def test_the_command_shows_its_progress_at_a_terminal(tmp_path, monkeypatch):
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    file = tmp_path / "scores.txt"
    file.write_bytes(messy())
    monkeypatch.setattr(foreground, "REFRESH_SECONDS", 0.001)
    screen, out = Screen(), io.StringIO()
    shown, real = "Checking rows: 0 of 90 rows", judging.judge

    def judge(*work):
        wait_until(lambda: shown in screen.getvalue(), "the terminal shows the progress")
        real(*work)

    monkeypatch.setattr(judging, "judge", judge)
    call_command(
        "process_scores",
        make_campaign().campaign_id,
        str(file),
        "--json",
        stdout=out,
        stderr=screen,
    )
    assert shown in screen.getvalue()
    assert out.getvalue().count("\n") == 1
