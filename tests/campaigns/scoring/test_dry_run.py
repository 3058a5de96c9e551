"""A dry run says what would become of a score file's rows, and nothing of it counts. [S-3, S-8]"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.choices import ScoreFileState
from campaigns.errors import CannotDryRun, UnreadableFile, WrongStatus
from campaigns.formats import score_rows
from campaigns.models import Campaign, FanScore, ListEntry, RejectedRow, ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import dry_run, score_files
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations import jobs, leases
from operations.choices import JobState
from operations.models import Chunk, Job
from tests.support.campaigns import (
    in_memory,
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.score_files import messy, start_over

pytestmark = pytest.mark.django_db(transaction=True)

FULL = "FAIRWAVE_FULL" in os.environ
OUTCOME = (
    "rows_in",
    "accepted",
    "rejected_by",
    "tagged_by",
    "bands",
    "ignored_columns",
    "rules_digest",
    "warnings",
)

BROKEN = [
    b"",
    b"only\tthree\tcolumns",
    b"\xff\xfe\tx\ty\tz\tu\tv\tw",
    b"1\ta\x00b\tc\td\te\tf\tg",
    b"\t\t\t\t\t\t",
]
SOUND = st.builds(
    score_row,
    st.integers(0, 40),
    raw_local_fanscore=st.sampled_from(["0.1", "0.22", "0.5", "0.85", "0.97", "1", "n/a", "1.5"]),
    tmemail=st.sampled_from(
        ["", "a@mail.example", "b@mail.example", "no address", "x@bad.example", "y@throw.example"]
    ),
    sms=st.sampled_from(["", "(206) 555-0101", "(206) 555-0102", "+442079460123", "nonsense"]),
    global_user_id=st.sampled_from(["", *(f"fan-{n}" for n in range(30))]),
)
FILES = st.builds(
    score_file_bytes,
    st.lists(st.one_of(SOUND, st.sampled_from(BROKEN)), min_size=1, max_size=60),
    packed=st.booleans(),
    newline=st.sampled_from([b"\n", b"\r\n"]),
)


def strict_campaign(**options: object) -> Campaign:
    """Lists, and a limit for shared contacts: every reason can come up."""
    campaign = make_campaign(**({"max_fans_per_contact": 2} | options))
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@bad.example")
    ListEntry.objects.create(campaign=campaign, kind="disposable", pattern="throw.example")
    return campaign


def tried_whole(score_file: ScoreFile) -> ScoreFile:
    dry_run.check_all_rows(dry_run.open_job(score_file, by=None).pk)
    return score_files.score_file_of(score_file.pk)


def outcome_of(score_file: ScoreFile) -> dict[str, object]:
    return {name: getattr(score_file, name) for name in OUTCOME}


def foretold(found: dict) -> dict[str, object]:
    return dict(
        zip(
            OUTCOME,
            (
                found[name]
                for name in (
                    "rows",
                    "accepted",
                    "rejected",
                    "tagged",
                    "bands",
                    "ignored_columns",
                    "rules_digest",
                    "warnings",
                )
            ),
            strict=True,
        )
    )


def state_of_all() -> dict[str, object]:
    """Everything a dry run must leave as it is."""
    files = ScoreFile.objects.order_by("pk").values(
        "state", "error", "rules", "rules_digest", "roster_digest", "rows_in"
    )
    counts = {model.__name__: model.objects.count() for model in (FanScore, RejectedRow, Chunk)}
    return {"files": list(files), **counts}


def foretells(campaign: Campaign, content: bytes) -> None:
    """A dry run of all rows leaves everything as it was, and processing then finds just what it
    said.
    """
    score_file = receive_scores(campaign, content)
    before = state_of_all()
    found = tried_whole(score_file).dry_run
    assert state_of_all() == before
    processed = score_files.process(score_files.open_job(score_file, by=None).pk)
    assert foretold(found) == outcome_of(processed)
    for reason, lines in found["lines"].items():
        rejected = RejectedRow.objects.filter(score_file=score_file, reason=reason).order_by("line")
        assert lines == list(rejected.values_list("line", flat=True)[: dry_run.EXAMPLES])
    assert set(found["lines"]) == set(processed.rejected_by)


def test_a_dry_run_of_all_rows_foretells_what_processing_finds(monkeypatch):
    """[S-3] Over many chunks."""
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (500,))
    foretells(strict_campaign(), messy(60))


@settings(
    max_examples=300 if FULL else 12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=FILES, limit=st.sampled_from([0, 1, 2]), confirmed=st.booleans())
def test_whatever_the_file_a_dry_run_foretells_what_processing_finds(content, limit, confirmed):
    """[S-3]"""
    start_over(Campaign.objects.none())
    foretells(
        strict_campaign(max_fans_per_contact=limit, require_confirmed_phone=confirmed), content
    )


@settings(
    max_examples=200 if FULL else 12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=FILES, rows=st.integers(1, 70), block=st.sampled_from([200, 1000, 8_000_000]))
def test_the_first_rows_get_what_they_get_in_the_whole_file(content, rows, block):
    """A dry run of the first rows is one of a file that ends there, however its bytes are cut into
    chunks.
    """
    campaign = Campaign.objects.filter(campaign_id="strict").first() or strict_campaign(
        campaign_id="strict"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_rows.read_chunks, "__defaults__", (block,))
        first = dry_run.dry_run(campaign, in_memory(content), rows=rows)
        every = dry_run.dry_run(campaign, in_memory(content))
    assert (first.rows, first.all_rows, every.all_rows) == (min(rows, every.rows), False, True)
    for reason, lines in first.lines.items():
        known = every.lines[reason]
        assert lines == [line for line in known if line <= rows + 1][: len(lines)]
    assert first.rows == first.accepted + sum(first.rejected.values())
    if rows >= every.rows:
        assert first.rejected == every.rejected
        assert first.bands == every.bands


def test_only_the_first_rows_are_tried_at_once():
    rows = [score_row(n) for n in range(dry_run.FIRST_ROWS + 5)]
    score_file = dry_run.check_first_rows(
        receive_scores(make_campaign(), score_file_bytes(rows)).pk
    )
    assert (score_file.dry_run["rows"], score_file.dry_run["all_rows"]) == (
        dry_run.FIRST_ROWS,
        False,
    )
    assert not Job.objects.exists()


def test_more_rows_than_the_file_has_are_all_there_are():
    found = dry_run.dry_run(
        make_campaign(), in_memory(score_file_bytes([score_row(1), score_row(2)])), rows=10**15
    )
    assert (found.rows, found.accepted) == (2, 2)


def test_a_dry_run_tells_nothing_of_the_draw():
    """[S-8] Counts, line numbers and the rules' digest; nobody's luck, reference, address or id."""
    campaign = make_campaign()
    kept = dry_run.check_first_rows(receive_scores(campaign, messy()).pk).dry_run
    names = {"all_rows", "rows", "accepted", "rejected", "tagged", "bands", "lines"}
    assert set(kept) == names | {"ignored_columns", "rules_digest", "warnings", "at", "seconds"}
    text = json.dumps(kept)
    assert not any(secret in text for secret in ("fan-", "mail.example", "206", "member"))
    assert all(isinstance(line, int) for lines in kept["lines"].values() for line in lines)


def test_a_file_that_failed_is_tried_by_the_rules_it_will_be_judged_by():
    """[S-2] The snapshot was taken when processing began; the campaign's options have changed
    since.
    """
    campaign = make_campaign()
    score_file = receive_scores(
        campaign, score_file_bytes([score_row(1, raw_local_fanscore="0.5")])
    )
    job = score_files.open_job(score_file, by=None)
    buckets.scoring().copy(score_file.key, "kept")
    buckets.scoring().delete(score_file.key)
    with pytest.raises(NoSuchObject):
        score_files.process(job.pk)
    buckets.scoring().copy("kept", score_file.key)
    Campaign.objects.filter(pk=campaign.pk).update(min_score=0.9)
    failed = tried_whole(score_files.score_file_of(score_file.pk))
    assert (failed.state, failed.dry_run["accepted"]) == (ScoreFileState.FAILED, 1)
    processed = score_files.process(score_files.open_job(failed, by=None).pk)
    assert foretold(failed.dry_run) == outcome_of(processed)


def test_what_was_judged_cannot_be_tried():
    processed = process_scores(make_campaign())
    for attempt in (
        lambda: dry_run.check_first_rows(processed.pk),
        lambda: dry_run.open_job(processed, by=None),
    ):
        with pytest.raises(CannotDryRun, match="A dry run is possible only before"):
            attempt()
    assert score_files.score_file_of(processed.pk).dry_run is None


def test_a_file_that_is_processed_meanwhile_keeps_no_outcome_of_a_dry_run(monkeypatch):
    """What became of the rows is known by then."""
    score_file = receive_scores(make_campaign(), messy())
    real = dry_run.dry_run

    def slow(*arguments, **options):
        found = real(*arguments, **options)
        score_files.process(score_files.open_job(score_file, by=None).pk)
        return found

    monkeypatch.setattr(dry_run, "dry_run", slow)
    dry_run.check_first_rows(score_file.pk)
    assert score_files.score_file_of(score_file.pk).dry_run is None


@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_a_dry_run_can_be_stopped_and_begins_again(monkeypatch, how):
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (500,))
    score_file = receive_scores(make_campaign(), messy())
    job, reported = dry_run.open_job(score_file, by=None), []

    def stop(lease, progress, total):
        reported.append((progress, total))
        jobs.request_stop(job.pk, how)

    with monkeypatch.context() as patch:
        patch.setattr(leases.Lease, "report_progress", stop)
        dry_run.check_all_rows(job.pk)
    stopped = Job.objects.get(pk=job.pk)
    assert stopped.state == (JobState.PAUSED if how == "pause" else JobState.CANCELLED)
    assert len(reported) == 1
    assert score_files.score_file_of(score_file.pk).dry_run is None
    again = stopped if jobs.requeue(job.pk) else dry_run.open_job(score_file, by=None)
    dry_run.check_all_rows(again.pk)
    done = Job.objects.get(pk=again.pk)
    rows = messy().count(b"\n") - 1
    assert (done.state, done.rows_in, done.rows_out + done.rows_rejected) == (
        JobState.DONE,
        rows,
        rows,
    )
    assert score_files.score_file_of(score_file.pk).dry_run["rows"] == rows


def test_rejected_rows_are_found_again_as_they_stand_in_the_file():
    content = score_file_bytes(
        [score_row(1), b"only\tthree\tcolumns", b"\xff\tx", score_row(4)], packed=True
    )
    score_file = receive_scores(make_campaign(), content)
    assert dry_run.rows_as_written(score_file, [4, 3]) == {3: "only\tthree\tcolumns", 4: "\\xff\tx"}
    assert dry_run.rows_as_written(score_file, []) == {}


def test_a_row_too_far_into_a_large_file_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (500,))
    monkeypatch.setattr(dry_run, "SHOWN_BYTES", 600)
    score_file = receive_scores(make_campaign(), messy())
    assert list(dry_run.rows_as_written(score_file, [2, 100])) == [2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scores.txt"
    path.write_bytes(
        messy().replace(b"country_code\n", b"country_code\tnote\n").replace(b"\tUS\n", b"\tUS\tx\n")
    )
    return path


def command(*arguments: object) -> dict:
    out = io.StringIO()
    call_command("process_scores", *map(str, arguments), "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_the_command_tries_a_file_and_leaves_nothing_behind(file, bucket_folders):
    campaign = strict_campaign()
    before = sorted(path for path in bucket_folders.rglob("*") if path.is_file())
    tried = command(campaign.campaign_id, file, "--dry-run", "all")
    assert not ScoreFile.objects.exists()
    assert not Job.objects.exists()
    assert sorted(path for path in bucket_folders.rglob("*") if path.is_file()) == before
    assert (tried["dry_run"], tried["all_rows"], tried["ignored_columns"]) == (True, True, ["note"])
    processed = command(campaign.campaign_id, file)
    for name in ("rows_in", "accepted", "rejected", "tagged", "bands", "ignored_columns"):
        assert tried[name] == processed[name], name


@pytest.mark.parametrize(("option", "rows"), [(["--dry-run"], 1_000), (["--dry-run", "7"], 7)])
def test_the_command_tries_the_first_thousand_rows_or_as_many_as_are_asked_for(file, option, rows):
    tried = command(make_campaign().campaign_id, file, *option)
    assert tried["rows_in"] == min(rows, messy().count(b"\n") - 1)
    assert tried["all_rows"] is False


def test_the_command_refuses_what_would_not_be_taken_in(file, capsys):
    """[S-1] Another campaign's name, or bytes without end."""
    campaign = make_campaign()
    foreign = file.rename(file.with_name("another.20260119.txt"))
    with pytest.raises(SystemExit):
        command(campaign.campaign_id, foreign, "--dry-run")
    assert "contains campaign another" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-1", "some", "٣"])
def test_what_is_no_number_of_rows_is_wrong_usage(file, wrong):
    with pytest.raises(SystemExit) as ended:
        call_command_line("process_scores", "any", str(file), f"--dry-run={wrong}")
    assert ended.value.code == 2


def call_command_line(*arguments: str) -> None:
    """As from a terminal: wrong usage ends the process."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *arguments])


def test_a_dry_run_is_refused_where_processing_would_be():
    campaign = make_campaign()
    with pytest.raises(UnreadableFile, match="is missing the column sms"):
        dry_run.dry_run(
            campaign, in_memory(score_file_bytes([score_row()]).replace(b"sms", b"phone"))
        )
    close_campaign(campaign.pk, by=None)
    with pytest.raises(WrongStatus):
        dry_run.dry_run(Campaign.objects.get(pk=campaign.pk), in_memory(messy()))


def test_a_dry_run_names_its_stages(steps):
    score_file = receive_scores(make_campaign(), messy())
    dry_run.check_all_rows(dry_run.open_job(score_file, by=None).pk)
    assert [name for name, *_ in steps] == ["Reading the file", dry_run.WHAT]
