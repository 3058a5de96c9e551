"""Who watches a score file sees which stage it stands in, and how far it is. [O-1, S-12]"""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from campaigns.formats import score_rows
from campaigns.scoring import dry_run, score_files
from operations import foreground, jobs
from operations.models import Job
from operations.progress import Pace, sentence
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    receive_scores,
    registration_row,
)
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def steps(monkeypatch) -> list[tuple[str, Pace, int, int]]:
    """(step, pace, progress, total) as they stood when each step began."""
    begun: list[tuple[str, Pace, int, int]] = []
    real = jobs.Lease.step

    def step(lease, name, **values):
        real(lease, name, **values)
        job = Job.objects.get(pk=lease.job_id)
        begun.append((name, Pace.from_json(job.pace), job.progress, job.total))

    monkeypatch.setattr(jobs.Lease, "step", step)
    return begun


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
    real = jobs.Lease.check_stop
    looks: list[int] = []

    def stop_at_the_third_look(lease):
        looks.append(1)
        if len(looks) == 3:
            jobs.request_stop(job.pk, "pause")
        real(lease)

    with monkeypatch.context() as patch:
        patch.setattr(jobs.Lease, "check_stop", stop_at_the_third_look)
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


def test_an_import_of_registrations_names_its_stages(steps):
    found = import_registrations(make_campaign(), [registration_row(n) for n in range(1, 8)])
    assert [
        (name, pace.first, pace.rows, progress, total) for name, pace, progress, total in steps
    ] == [
        ("Checking rows", 0, 7, 0, 14),
        ("Publishing registrations", 7, found.accepted, 7, 7 + found.accepted),
    ]


def test_a_dry_run_names_its_stages(steps):
    score_file = receive_scores(make_campaign(), messy())
    dry_run.try_all(dry_run.open_job(score_file, by=None).pk)
    assert [name for name, *_ in steps] == ["Reading the file", dry_run.WHAT]


def test_the_command_shows_its_progress_at_a_terminal(tmp_path, monkeypatch):
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    file = tmp_path / "scores.txt"
    file.write_bytes(messy())
    monkeypatch.setattr(foreground, "REFRESH_SECONDS", 0.001)
    screen, out = Screen(), io.StringIO()
    call_command(
        "process_scores",
        make_campaign().campaign_id,
        str(file),
        "--json",
        stdout=out,
        stderr=screen,
    )
    assert (
        "Checking rows: 0 of 75 rows" in screen.getvalue()
        or "Reading the file" in screen.getvalue()
    )
    assert out.getvalue().count("\n") == 1
