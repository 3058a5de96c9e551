"""A database that goes away and comes back in the middle of a score file ends the run with one
clear sentence, and the next run with the rows, files and stream of an undisturbed one. [S-12, O-6]
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from campaigns.models import ScoreFile
from fairwave import embedded
from fairwave.guardian import binaries
from operations.models import Job
from sandbox import fans
from tests.fairwave.test_embedded import answers, in_use, postmaster
from tests.faults.test_score_file_kill import SMALL_CHUNKS
from tests.support.phases import PHASES, caught_in
from tests.support.processes import Process
from tests.support.score_files import everything_of, start_over
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("embedded")]

ROWS = 5_000
CAUGHT_IN = list(PHASES) if os.environ.get("FAIRWAVE_FULL") == "1" else ["publishing"]
CAMPAIGN = "12345"


@dataclass(frozen=True)
class OwnServer:
    """A server whose restarts disturb no other test; its data folder holds the buckets too."""

    data: Path

    @property
    def parameters(self) -> dict[str, str]:
        return {
            "host": str(embedded.socket_folder(self.data)),
            "user": embedded.USER,
            "dbname": embedded.DATABASE,
        }

    def start(self, work: Callable[..., Any], *arguments: object) -> Process:
        return Process(
            work,
            *arguments,
            database={"HOST": self.parameters["host"], "NAME": embedded.DATABASE},
            settings={"STORAGES": folders(self.data), "FAIRWAVE_DATA": self.data},
            constants=SMALL_CHUNKS,
        )

    def command(self, *arguments: object) -> Process:
        return self.start(call_command, *map(str, arguments))

    def restart_at_once(self) -> None:
        """What `pg_ctl restart -m immediate` does: every session is cut off, and what is committed
        is recovered.
        """
        before = postmaster(self.data)
        os.kill(before, signal.SIGQUIT)
        wait_until(
            lambda: answers(self.data) and postmaster(self.data) != before, "the server again"
        )


def folders(data: Path) -> dict[str, Any]:
    return {
        name: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(data / name)},
        }
        for name in ("scoring", "campaign-data")
    }


def outcome_of(forget: bool) -> dict[str, Any]:
    """What the one score file of the database led to: a checksum of each part, the counts, and its
    jobs. Then all is forgotten, if asked for.
    """
    score_file = ScoreFile.objects.get()
    made = everything_of(score_file)
    parts = {
        name: hashlib.sha256(repr(part).encode()).hexdigest()
        for name, part in made.items()
        if name != "counts"
    }
    jobs = list(Job.objects.filter(kind="process_scores").values("state", "attempt"))
    if forget:
        start_over(score_file.campaign)
    return {"everything": parts | {"counts": made["counts"]}, "jobs": jobs}


def copy_tables(to: OwnServer) -> None:
    """Those of the database that tests have, with what migrations left in them: to migrate another
    one takes longer than all that the test does with it.
    """
    ours, theirs = connection.settings_dict, to.parameters
    at = {"-h": ours["HOST"], "-p": str(ours["PORT"]), "-U": ours["USER"], "-d": ours["NAME"]}
    given = [text for name, value in at.items() if value for text in (name, value)]
    left_out = [f"--exclude-schema={name}" for name in ("before_tests", "kept_*")]
    dump: list[str | Path] = [binaries() / "pg_dump", "--no-owner", *left_out, *given]
    environment = os.environ | {"PGPASSWORD": ours["PASSWORD"] or ""}
    written = subprocess.run(dump, env=environment, check=True, capture_output=True).stdout
    load: list[str | Path] = [binaries() / "psql", "-q", "-v", "ON_ERROR_STOP=1"]
    load += ["-h", theirs["host"], "-U", theirs["user"], "-d", theirs["dbname"]]
    subprocess.run(load, input=written, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def server(django_db_setup: None) -> Iterator[OwnServer]:
    with tempfile.TemporaryDirectory(prefix="fairwave-") as folder, in_use(Path(folder)):
        own = OwnServer(Path(folder))
        copy_tables(own)
        fans.write_campaign(own.data / "campaign.json", ROWS)
        fans.write_scores(own.data / f"{CAMPAIGN}.20260118.txt", ROWS)
        own.command("load_campaign", own.data / "campaign.json", "--json").result()
        yield own


def wait_for_progress(server: OwnServer, process: Process, rows: int, attempt: int) -> None:
    with psycopg.connect(**server.parameters, autocommit=True) as looking:
        query = "SELECT 1 FROM operations_job WHERE progress >= %s AND attempt = %s"

        def far_enough() -> object:
            found = looking.execute(query, [rows, attempt]).fetchone()
            assert found or process.is_running, "it ended before it came so far"
            return found

        wait_until(far_enough, f"progress of {rows} rows")


def test_a_database_restarted_in_the_middle_changes_nothing_in_the_end(server):
    """While rows are judged, and while they are published; in the full run while they are indexed
    and attached, too.
    """
    command = ("process_scores", CAMPAIGN, server.data / f"{CAMPAIGN}.20260118.txt", "--json")
    assert server.command(*command).result()["state"] == "streamed"
    undisturbed = server.start(outcome_of, True).result()["everything"]
    judging = server.command(*command)
    wait_for_progress(server, judging, ROWS // 6, attempt=1)
    server.restart_at_once()
    check_outcome(server, judging)
    for phase in CAUGHT_IN:
        process = server.command(*command)
        with caught_in(phase, server.parameters) as wait_for_it:
            wait_for_it()
            server.restart_at_once()
        check_outcome(server, process)
    assert server.command(*command).result()["state"] == "streamed"
    after = server.start(outcome_of, False).result()
    assert after["everything"] == undisturbed
    assert after["jobs"] == [{"state": "done", "attempt": 2 + len(CAUGHT_IN)}]


def check_outcome(server: OwnServer, process: Process) -> None:
    """The run says in one sentence what happened, and the file is not counted. Its job waits to be
    taken up; it has failed if the server was back in time to be told.
    """
    assert process.wait() == 1, process.errors
    assert "Traceback" not in process.errors
    result = process.last_line()
    assert result["error"].startswith(
        "The database cannot be reached, or it stopped the command"
    ), result
    assert "\n" not in result["error"]
    with psycopg.connect(**server.parameters) as looking:
        (state,) = looking.execute("SELECT state FROM campaigns_scorefile").fetchone()
        (active,) = looking.execute(
            "SELECT active_score_file_id FROM campaigns_campaign"
        ).fetchone()
        (job,) = looking.execute("SELECT state FROM operations_job").fetchone()
    assert job in ("running", "failed")
    assert state not in ("streamed", "saved")
    assert active is None
