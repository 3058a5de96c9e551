"""The PostgreSQL of a machine that has none: one server per data folder, shared by every process
that uses it.

Each process that needs the server holds a shared `flock` on one file for as long as it lives. A
small guardian process starts PostgreSQL, restarts it if it dies, and stops it when it can take that
lock exclusively: when the last user is gone, even if that user was killed. The kernel drops the
locks of dead processes, so no lock can go stale.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psycopg

from fairwave import data_folder

DATABASE = "fairwave"
USER = "fairwave"
START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 30
LONGEST_SOCKET_PATH = 90  # the kernel allows 107 bytes, PostgreSQL appends ".s.PGSQL.5432"


class EmbeddedServerError(Exception):
    """The embedded PostgreSQL could not be started; the message says why and where its log is."""


# Open for the life of the process: closing the file would give up our share of the server.
_shares: dict[Path, IO[str]] = {}


def database_folder(data: Path) -> Path:
    """The folder of the embedded server below FAIRWAVE_DATA."""
    return data.absolute() / "postgres"


def socket_folder(data: Path) -> Path:
    """Where the server's Unix socket lies: beside the data, or under /var/tmp when that path would
    be too long.
    """
    folder = database_folder(data) / "socket"
    if len(str(folder)) <= LONGEST_SOCKET_PATH:
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path("/var/tmp") / f"fairwave-{os.geteuid()}-{name}"  # noqa: S108 the name is ours alone and the folder is 0700


def share(data: Path) -> None:
    """Make the embedded server run and keep it running for as long as this process lives. Raises
    EmbeddedServerError.
    """
    folder = database_folder(data)
    if folder in _shares:
        return
    try:
        if refused := data_folder.refusal(data):
            raise EmbeddedServerError(f"{refused.name}: {refused.problem} {refused.hint}")
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users.lock").open("a")
    except OSError as error:
        hint = "Set FAIRWAVE_DATA to a folder that you own."
        raise EmbeddedServerError(
            f"The embedded PostgreSQL cannot use {folder}: {error.strerror}. {hint}"
        ) from error
    fcntl.flock(users, fcntl.LOCK_SH)  # waits while a guardian is shutting the server down
    _shares[folder] = users
    with (folder / "start.lock").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (_is_guarded(folder) and _answers(data)):
            _start_guardian(folder, data)


def discard(data: Path) -> None:
    """Delete a data folder, its database included, once nobody uses its server any more. Raises
    EmbeddedServerError while somebody does.
    """
    folder = database_folder(data)
    if folder.exists():
        with (folder / "users.lock").open("a") as users:
            deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
            while not _locked(users):  # a guardian holds it until its server has ended
                if time.monotonic() > deadline:
                    raise EmbeddedServerError(f"Another process is using the database in {data}.")
                time.sleep(0.05)
            shutil.rmtree(data)
    elif data.exists():
        shutil.rmtree(data)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_guarded(folder: Path) -> bool:
    with (folder / "guardian.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _answers(data: Path) -> bool:
    try:
        psycopg.connect(
            host=str(socket_folder(data)), user=USER, dbname=DATABASE, connect_timeout=5
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _start_guardian(folder: Path, data: Path) -> None:
    log = folder / "server.log"
    guardian = _spawn_guardian(folder, data, log)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if _answers(data):
            return
        if guardian.poll():
            break
        if guardian.poll() == 0 and not _is_guarded(folder):
            # It found another one at work and left, and that one has left since: it was shutting
            # down.
            guardian = _spawn_guardian(folder, data, log)
        time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    raise EmbeddedServerError(
        f"The embedded PostgreSQL did not start. Its log is {log}. The last lines"
        f" are:\n{tail}\nFix the error, or set DATABASE_URL to use your own server."
    )


def _spawn_guardian(folder: Path, data: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "fairwave.guardian", str(folder), str(socket_folder(data))],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C in a terminal must not stop a server that others use
            cwd=Path(__file__).parent.parent,
        )
