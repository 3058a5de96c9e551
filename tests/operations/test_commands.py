"""What every command promises: the result as one object on the last line of standard output, all
else beside it.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, execute_from_command_line
from django.db import OperationalError, ProgrammingError, connection, transaction

import sandbox
from campaigns.models import ScoreFile
from campaigns.scoring import score_files, tables
from operations import correlation, jobs
from operations.choices import JobState
from operations.commands import NOTHING_TO_ASK, JsonCommand, ServiceCommand, as_lines
from operations.errors import LeaseLost, Refusal
from operations.models import Alert, Job
from operations.services import heartbeats
from operations.services.heartbeats import Stop
from sandbox.drand import ROUNDS
from tests.fairwave.settings_cases import SECRETS
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    registration_bytes,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.doors import around
from tests.support.people import member_of
from tests.support.processes import Process

ROOT = Path(__file__).parent.parent.parent


class Given(JsonCommand):
    """A command that does as it is told."""

    permissions = NOTHING_TO_ASK
    requires_system_checks: list[str] = []
    outcome: Any = None

    def run(self, **options: Any) -> dict[str, Any]:
        self.say("working …")
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return dict(self.outcome) | {"id": correlation.current()}


def call(outcome: Any, *arguments: str) -> tuple[str, str, int]:
    command, out, err = (
        Given(stdout=io.StringIO(), stderr=io.StringIO()),
        io.StringIO(),
        io.StringIO(),
    )
    command.outcome = outcome
    code = 0
    try:
        call_command(command, *arguments, stdout=out, stderr=err, no_color=True)
    except SystemExit as end:
        code = int(end.code or 0)
    return out.getvalue(), err.getvalue(), code


def test_a_bucket_that_is_away_ends_a_command_with_one_line_and_exit_status_1():
    """[W-9]"""
    out, err, code = call(OSError("S3 did not do it: away"), "--json")
    assert json.loads(out.splitlines()[-1])["error"] == "OSError: S3 did not do it: away"
    assert (code, "Traceback" in err) == (1, False)


def test_the_result_is_the_last_line_and_progress_goes_elsewhere():
    out, err, code = call({"rows": 5, "rejected": {"duplicate": 1}}, "--json")
    result = json.loads(out.splitlines()[-1])
    assert (result["rows"], result["rejected"], code) == (5, {"duplicate": 1}, 0)
    assert result["seconds"] >= 0
    assert len(result["id"]) == 36
    assert "working" in err
    assert len(out.splitlines()) == 1


def test_for_a_person_the_result_is_lines():
    out, _, _ = call(
        {"rows": 5000, "rejected": {"duplicate": 1}, "markets": [{"id": "w", "n": 1}], "none": {}}
    )
    assert "5,000" in out
    assert "duplicate" in out
    assert "  id  n\n  w   1" in out


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Refusal("The gate is shut.\nOpen it."), "The gate is shut. Open it."),
        (LeaseLost("taken over"), "taken over"),
        (OperationalError("connection refused\nIs it running?"), "database cannot be reached"),
    ],
)
def test_a_refusal_is_one_clear_line_an_object_with_error_and_exit_1(error, says):
    out, err, code = call(error, "--json")
    assert code == 1
    assert says in json.loads(out.splitlines()[-1])["error"]
    assert says in err.splitlines()[-1]
    assert call(error)[0] == ""


def test_a_fault_of_ours_is_reported_in_the_object_as_well():
    command, out = Given(stdout=io.StringIO(), stderr=io.StringIO()), io.StringIO()
    command.outcome = ZeroDivisionError("division by zero")
    with pytest.raises(ZeroDivisionError):
        call_command(command, "--json", stdout=out, stderr=io.StringIO())
    assert json.loads(out.getvalue())["error"] == "ZeroDivisionError: division by zero"


def test_ctrl_c_is_one_clear_line_an_object_with_error_and_exit_130():
    out, err, code = call(KeyboardInterrupt(), "--json")
    result = json.loads(out.splitlines()[-1])
    assert (code, result["stopped"]) == (130, True)
    assert "was stopped" in result["error"]
    assert "Traceback" not in err
    assert call(KeyboardInterrupt())[0] == ""


def interrupted_scoring(campaign_id: str, file: str) -> None:
    """In a process of its own: Ctrl-C while rows are on their way to the database."""
    fill, calls = tables.fill, []

    def interrupted(*arguments: Any) -> None:
        if not calls:
            os.kill(os.getpid(), signal.SIGINT)
        calls.append(1)
        fill(*arguments)

    tables.fill = interrupted
    call_command("process_scores", campaign_id, file, "--json")


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_o6_work_that_ctrl_c_stopped_continues_when_the_command_is_run_again(tmp_path):
    """[O-6]"""
    campaign, file = make_campaign(), tmp_path / "scores.txt"
    file.write_bytes(score_file_bytes([score_row(number) for number in range(1, 200)]))
    stopped = Process(interrupted_scoring, campaign.campaign_id, str(file))
    assert stopped.wait() == 130, stopped.errors
    assert stopped.last_line()["stopped"]
    assert "Traceback" not in stopped.errors
    assert Job.objects.get().state == JobState.QUEUED
    assert run("process_scores", campaign.campaign_id, file)["accepted"] == 199
    assert Job.objects.filter(kind="process_scores").get().state == JobState.DONE


def test_nested_values_are_indented():
    lines = as_lines({"a": {"b": 1}, "c": True, "d": [], "e": None}).splitlines()
    assert lines == ["a:", "  b  1", "c  yes", "d  none", "e  –"]


@pytest.mark.django_db
def test_a_database_that_is_not_set_up_is_reported_in_one_line():
    with (
        pytest.raises(ProgrammingError) as missing,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 FROM nowhere_at_all")
    out, err, code = call(missing.value, "--json")
    assert "manage.py migrate" in json.loads(out.splitlines()[-1])["error"]
    assert (code, "Traceback" in err) == (1, False)


def test_lists_of_rows_are_tables_for_people_with_numbers_to_the_right():
    rows = [
        {"market": "west", "selected": 3000, "cutoff": 0.9099110316438477},
        {"market": "vip", "selected": 4, "cutoff": None},
    ]
    assert as_lines({"markets": rows, "notes": ["one", "two"]}).splitlines() == [
        "markets:",
        "  market  selected    cutoff",
        "  west       3,000  0.909911",
        "  vip            4         –",
        "notes:",
        "  - one",
        "  - two",
    ]


def run(*arguments: object, code: int = 0) -> dict[str, Any]:
    """A command of ours with --json, in this process; returns its object."""
    out, err = io.StringIO(), io.StringIO()
    ended = 0
    try:
        call_command(*map(str, arguments), "--json", stdout=out, stderr=err)
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == code, err.getvalue()
    return json.loads(out.getvalue().splitlines()[-1])


@pytest.mark.django_db(transaction=True)
def test_the_commands_of_campaigns_answer_as_documented(tmp_path):
    make_campaign("12345")
    by = ("--by", member_of("operator", name="ann").username)
    registered, scores, more = (tmp_path / name for name in ("r.csv", "12345.x.txt", "more.txt"))
    registered.write_bytes(registration_bytes([registration_row(1), registration_row(1)]))
    imported = run("import_registrations", "12345", registered)
    counts = {"rows_in", "accepted", "rejected", "tagged", "ignored_columns"}
    assert imported.keys() == counts | {"registration_file", "rejected_file", "seconds"}
    assert (imported["accepted"], imported["rejected"]) == (1, {"superseded": 1})
    scores.write_bytes(
        score_file_bytes([score_row(1, city="x"), score_row(1)], columns=[*score_row(), "city"])
    )
    result = run("process_scores", "12345", scores)
    assert result.keys() == {
        *(
            "score_file",
            "state",
            "activated",
            "repeated",
            "rows_in",
            "accepted",
            "rejected",
            "tagged",
            "bands",
            "commitment",
            "salt_commitment",
        ),
        *(
            "late",
            "roster_digest",
            "sha256",
            "scrubbed",
            "rejected_file",
            "streamed",
            "ignored_columns",
            "warnings",
            "seconds",
        ),
    }
    assert (result["state"], result["activated"], result["repeated"]) == ("streamed", True, False)
    assert (result["rows_in"], result["accepted"], result["rejected"]) == (2, 1, {"duplicate": 1})
    assert result["bands"].keys() == {"high", "mid", "low"}
    assert (result["scrubbed"], result["ignored_columns"]) == ("scrubbed/12345.x.csv", ["city"])
    again = run("process_scores", "12345", scores)
    assert again | {"seconds": 0} == result | {"seconds": 0, "repeated": True}
    more.write_bytes(score_file_bytes([score_row(2)]))
    late = ("--by", member_of("approver", name="bob").username, "--reason", "a test")
    second = run("process_scores", "12345", more, *late)
    assert (second["late"], second["activated"]) == (True, False)
    assert run("activate_scores", second["score_file"], *late)["active"] == second["score_file"]
    assert run("undo_activation", "12345", *late)["active"] == result["score_file"]
    assert run("close_campaign", "12345", *by)["state"] == "closed"


@pytest.mark.django_db(transaction=True)
def test_entering_the_public_value_draws_what_waited(tmp_path):
    campaign = make_campaign(entropy_source="drand round 5551234")
    waiting = process_scores(campaign)
    enter = ("enter_entropy", campaign.campaign_id, "4a7f", "--by", member_of("operator").username)
    assert run(*enter)["released"] == [waiting.pk]
    waiting.refresh_from_db()
    assert waiting.state == "streamed"
    assert "already" in run(*enter, code=1)["error"]


@pytest.mark.django_db(transaction=True)
def test_fetching_the_public_value_draws_what_waited(settings):
    """[S-8]"""
    campaign = make_campaign(entropy_source="drand round 72785")
    waiting = process_scores(campaign)
    fetch = ("fetch_entropy", campaign.campaign_id, "--by", member_of("operator").username)
    settings.DRAND_URLS = ["http://127.0.0.1:9"]
    assert "http://127.0.0.1:9: " in run(*fetch, code=1)["error"]
    with sandbox.running() as box:
        settings.DRAND_URLS += [f"{box.url}/drand"]
        assert run(*fetch)["released"] == [waiting.pk]
    campaign.refresh_from_db()
    assert campaign.entropy_value == ROUNDS[72_785]["randomness"]


@pytest.mark.django_db(transaction=True)
def test_opening_without_a_public_source_needs_to_be_confirmed():
    """[S-8]"""
    draft = make_campaign(opened=False)
    opening = ("open_campaign", draft.campaign_id, "--by", member_of("operator").username)
    assert "knows the luck of every fan" in run(*opening, code=1)["error"]
    opened = run(*opening, "--without-source")
    draft.refresh_from_db()
    assert opened | {"seconds": 0} == {
        "state": "open",
        "commitment": draft.commitment,
        "salt_commitment": draft.salt_commitment,
        "seconds": 0,
    }


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_done_is_one_line_exit_1_and_nothing_written(tmp_path):
    make_campaign("12345")
    empty, wrong = tmp_path / "empty.txt", tmp_path / "99999.20260118.txt"
    empty.write_bytes(b"")
    wrong.write_bytes(score_file_bytes([score_row()]))
    assert "does not exist" in run("process_scores", "nope", wrong, code=1)["error"]
    assert "99999" in run("process_scores", "12345", wrong, code=1)["error"]
    assert "empty" in run("process_scores", "12345", empty, code=1)["error"]
    assert "No such file" in run("process_scores", "12345", tmp_path / "absent", code=1)["error"]
    assert "directory" in run("import_registrations", "12345", tmp_path, code=1)["error"]
    by = ("--by", member_of("operator").username)
    assert "Score file 77" in run("activate_scores", "77", *by, code=1)["error"]
    assert "active user" in run("close_campaign", "12345", "--by", "nobody", code=1)["error"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM campaigns_scorefile) + (SELECT count(*) FROM"
            " operations_job)"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("how", "says"), [("pause", "again to continue"), ("cancel", "cancelled")])
def test_a_file_stopped_by_hand_is_no_success_and_the_same_command_goes_on(
    how, says, tmp_path, monkeypatch
):
    make_campaign("12345")
    scores = tmp_path / "scores.txt"
    scores.write_bytes(score_file_bytes([score_row()]))
    with monkeypatch.context() as patch:
        survey = score_files.survey
        patch.setattr(
            score_files,
            "survey",
            lambda *a: (jobs.request_stop(Job.objects.get().pk, how), survey(*a))[1],
        )
        assert says in run("process_scores", "12345", scores, code=1)["error"]
    assert run("process_scores", "12345", scores)["state"] == "streamed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("unwritable", ["campaign", "file"])
def test_what_is_not_utf8_on_the_command_line_is_one_clear_line(unwritable, tmp_path):
    """As the shell gives it: the database could keep neither the id nor the file's name."""
    make_campaign("tour")
    file = tmp_path / os.fsdecode(b"scores-\xff.txt" if unwritable == "file" else b"scores.txt")
    file.write_bytes(score_file_bytes([score_row(1)]))
    out, err = io.StringIO(), io.StringIO()
    campaign = os.fsdecode(b"t\xf6ur") if unwritable == "campaign" else "tour"
    with pytest.raises(SystemExit) as end:
        call_command("process_scores", campaign, str(file), "--json", stdout=out, stderr=err)
    assert end.value.code == 1
    assert f"The {unwritable} " in json.loads(out.getvalue())["error"]
    assert "is not UTF-8" in err.getvalue()
    assert not ScoreFile.objects.exists()


def test_wrong_usage_is_exit_2_before_anything_is_looked_at():
    nowhere = {"HOST": "localhost", "PORT": "1", "NAME": "none", "USER": "nobody", "PASSWORD": ""}
    for arguments in (["process_scores"], ["activate_scores", "one"], ["close_campaign", "12345"]):
        line = ["manage.py", *arguments]
        process = Process(execute_from_command_line, line, database=nowhere)
        assert process.wait() == 2
        assert process.output == ""
        assert "usage: manage.py" in process.errors
        assert "Traceback" not in process.errors


def test_a_database_that_is_away_is_one_clear_line():
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    environment = os.environ | away | SECRETS
    command = [sys.executable, "manage.py", "undo_activation", "12345", "--by", "ann", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "database cannot be reached" in json.loads(done.stdout.splitlines()[-1])["error"]
    assert "Traceback" not in done.stderr


class Serving(ServiceCommand):
    """A service whose items come with signals."""

    permissions = NOTHING_TO_ASK
    requires_system_checks: list[str] = []
    service = "sheep counters"
    signals: tuple[int, ...] = ()
    fault: Exception | None = None

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        if self.fault:
            raise self.fault
        self.handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
        seen = 0
        while not stop.is_set() and seen < 3:
            if self.signals:
                os.kill(os.getpid(), self.signals[0])
            seen += 1  # the item in hand is finished
        return {"seen": seen, "once": once}


def serve(*arguments: str, signals: tuple[int, ...] = ()) -> tuple[dict[str, Any], Serving]:
    out = io.StringIO()
    command = Serving(stdout=out)
    command.signals = signals
    call_command(command, "--json", *arguments, stdout=out)
    return json.loads(out.getvalue()), command


@pytest.fixture
def beats(monkeypatch) -> list[str]:
    """The services that have heartbeats during the test."""
    found: list[str] = []
    monkeypatch.setattr(heartbeats, "keep_beating", lambda name, *_: found.append(name))
    return found


@pytest.mark.usefixtures("beats")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_gets_a_signal_finishes_its_item_and_prints_its_result(number):
    result, _ = serve(signals=(number,))
    assert (result["seen"], result["once"]) == (1, False)


@pytest.mark.usefixtures("beats")
def test_a_service_leaves_the_signals_as_it_found_them():
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    _, command = serve()
    assert not set(command.handlers) & set(before)
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_service_that_runs_once_is_ended_by_a_signal_at_once():
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    result, command = serve("--once")
    assert (result["seen"], result["once"], command.handlers) == (3, True, before)


def test_commands_hear_signals_in_one_place():
    handled = r"signal\.signal\((?!.*SIG_DFL)"
    assert around("operations/commands.py", handled) == []


def test_o2_a_service_has_heartbeats_while_it_serves_and_one_that_runs_once_has_none(beats):
    """[O-2]"""
    serve()
    serve("--once")
    assert beats == ["sheep counters"]


@pytest.mark.django_db
def test_o2_a_service_that_ends_by_an_error_alerts(beats):
    """[O-2]"""
    command = Serving(stdout=io.StringIO(), stderr=io.StringIO())
    command.fault = KeyError("a fault of ours")
    with pytest.raises(KeyError):
        call_command(command, "--json")
    assert Alert.objects.get().text.startswith(
        ":red_circle: Service failed for sheep counters: KeyError: 'a fault of ours'"
    )
