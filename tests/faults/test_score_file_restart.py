"""A database that goes away and comes back in the middle of a score file ends the run with one
clear sentence, and the next run with the rows, files and stream of an undisturbed one. [S-12, O-6]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from fairwave import embedded
from sandbox import fans
from tests.fairwave.test_embedded import answers, eventually, in_use, postmaster
from tests.support.phases import PHASES, caught_in

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("embedded")]

ROOT = Path(__file__).parent.parent.parent
ROWS = 20_000
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

    def start(
        self, *command: object, module: str = "tests.support.run_command"
    ) -> subprocess.Popen[str]:
        asked = {"database": embedded.DATABASE, "buckets": str(self.data), "block_bytes": 150_000}
        whole = [
            sys.executable,
            "-m",
            module,
            json.dumps(asked),
            *map(str, command),
        ]
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(
            whole, cwd=ROOT, env=environment | {"FAIRWAVE_DATA": str(self.data)}, **pipes
        )

    def run(self, *command: object, module: str = "tests.support.run_command") -> dict:
        """The object on the last line, and the status, of a command that should succeed."""
        status, result = ended(self.start(*command, module=module))
        assert status == 0, result
        return result

    def restart_at_once(self) -> None:
        """What `pg_ctl restart -m immediate` does: every session is cut off, and what is committed
        is recovered.
        """
        before = postmaster(self.data)
        os.kill(before, signal.SIGQUIT)
        eventually(lambda: answers(self.data) and postmaster(self.data) != before)


def ended(process: subprocess.Popen[str]) -> tuple[int, dict]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, json.loads(out.splitlines()[-1]) if out.strip().endswith("}") else {
        "out": out,
        "err": err,
    }


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with tempfile.TemporaryDirectory(prefix="fairwave-") as folder, in_use(Path(folder)):
        own = OwnServer(Path(folder))
        own.start("migrate", "--verbosity=0").communicate()
        fans.write_campaign(own.data / "campaign.json", ROWS)
        fans.write_scores(own.data / f"{CAMPAIGN}.20260118.txt", ROWS)
        own.run("load_campaign", own.data / "campaign.json", "--json")
        yield own


def wait_for_progress(
    server: OwnServer, process: subprocess.Popen[str], rows: int, attempt: int
) -> None:
    with psycopg.connect(**server.parameters, autocommit=True) as looking:
        query = "SELECT 1 FROM operations_job WHERE progress >= %s AND attempt = %s"
        while not looking.execute(query, [rows, attempt]).fetchone():
            assert process.poll() is None, "it ended before it came so far"
            time.sleep(0.002)


def test_a_database_restarted_in_the_middle_changes_nothing_in_the_end(server):
    """While rows are judged, and while they are published; in the full run while they are indexed
    and attached, too.
    """
    command = ("process_scores", CAMPAIGN, server.data / f"{CAMPAIGN}.20260118.txt", "--json")
    assert server.run(*command)["state"] == "streamed"
    undisturbed = server.run("forget", module="tests.faults.tell_everything")["everything"]
    judging = server.start(*command)
    wait_for_progress(server, judging, ROWS // 3, attempt=1)
    server.restart_at_once()
    check_outcome(server, judging)
    for phase in CAUGHT_IN:
        process = server.start(*command)
        with caught_in(phase, server.parameters) as wait_for_it:
            wait_for_it()
            server.restart_at_once()
        check_outcome(server, process)
    assert server.run(*command)["state"] == "streamed"
    told = server.run(module="tests.faults.tell_everything")
    assert told["everything"] == undisturbed
    assert told["jobs"] == [{"state": "done", "attempt": 2 + len(CAUGHT_IN)}]


def check_outcome(server: OwnServer, process: subprocess.Popen[str]) -> None:
    """The run says in one sentence what happened, and the file is not counted. Its job waits to be
    taken up; it has failed if the server was back in time to be told.
    """
    status, result = ended(process)
    assert status == 1, result
    assert result["error"].startswith("The database cannot be reached or ended the work"), result
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
