"""A PostgreSQL of one's own instead of the embedded one: the oldest that is supported, where it is
installed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox import fans
from tests.fairwave.settings_cases import SECRETS
from tests.support.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
BINARIES = Path("/usr/lib/postgresql/15/bin")
ALL_COMMANDS = """
import json, sys, manage
for sys.argv in json.loads(sys.argv[1]):
    manage.main()
"""
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not (BINARIES / "initdb").exists(), reason="PostgreSQL 15 is not installed"),
]


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A server on a free port, run by who is not root, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="fairwave-", dir="/var/tmp") as folder,
        socket.socket() as free,
    ):
        if NOBODY:
            os.chown(folder, 65534, 65534)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        quiet = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "cwd": folder,
            **NOBODY,
        }
        initdb = [
            BINARIES / "initdb",
            "-D",
            f"{folder}/data",
            "-U",
            "owner",
            "--auth=trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, **quiet)
        options = [
            "-p",
            str(port),
            "-k",
            folder,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]
        with subprocess.Popen(
            [BINARIES / "postgres", "-D", f"{folder}/data", *options], **quiet
        ) as server:
            try:
                wait_for(f"postgresql://owner@127.0.0.1:{port}/postgres", server)
                yield f"postgresql://owner@127.0.0.1:{port}/postgres"
            finally:
                server.terminate()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        assert server.poll() is None, "the server ended"
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(answers, "an answer of the server")


def test_migrations_and_a_score_file_work_on_postgresql_15(database_url, tmp_path):
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "FAIRWAVE_DATA": str(tmp_path / "data"),
        **SECRETS,
    }

    def manage(*commands: tuple[object, ...]) -> str:
        """One process does all of them, one after the other."""
        lines = json.dumps([["manage.py", *map(str, command)] for command in commands])
        done = subprocess.run(
            [sys.executable, "-c", ALL_COMMANDS, lines],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    count = 1_000
    fans.write_campaign(tmp_path / "campaign.json", count)
    fans.write_scores(tmp_path / "scores.txt", count)
    fans.write_registrations(tmp_path / "registrations.csv", count)
    said = manage(
        ("migrate", "--verbosity", "0"),
        ("load_campaign", tmp_path / "campaign.json"),
        ("import_registrations", "12345", tmp_path / "registrations.csv"),
        ("process_scores", "12345", tmp_path / "scores.txt", "--json"),
    )
    result = json.loads(said.splitlines()[-1])
    assert result["state"] == "streamed"
    assert result["activated"]
    assert result["rows_in"] == result["accepted"] + sum(result["rejected"].values())
    with psycopg.connect(database_url) as connection:
        assert connection.info.server_version // 10_000 == 15
        assert connection.execute("SELECT count(*) FROM campaigns_fanscore").fetchone() == (
            result["accepted"],
        )
    assert not (tmp_path / "data" / "postgres").exists()
    assert (tmp_path / "data" / "scoring" / result["scrubbed"]).exists()
