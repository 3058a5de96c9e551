"""FAIRWAVE_DATA belongs to one user: what other users of the machine could enter is narrowed when
a process starts. [O-7]
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fairwave import OWNER_ONLY
from fairwave.errors import Mistake

logger = logging.getLogger(__name__)
PASSABLE = 0o001
# What nothing but Fairwave puts there. A folder of something else is not ours to close.
OURS = ("campaign-data", "postgres/users.lock", "secret-key", "serve.lock")
OF_A_DISK = {"lost+found"}


def narrow(data: Path) -> Mistake | None:
    """Where others can enter the folder, take their permissions from it and from what lies directly
    in it; nobody else then reaches what lies deeper. A warning names each. The mistake if that
    cannot be done, or if the folder is not ours alone; then nothing is changed.
    """
    data = data.resolve()
    try:
        if not _can_be_entered(data):
            return None
        if refused := refusal(data):
            return refused
        for path in _too_open(data):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OWNER_ONLY)
            logger.warning("Other users of this machine could open %s: this is now closed.", path)
        left = next(_too_open(data), None)
    except OSError as error:
        return _mistake(data, f"cannot be closed to other users: {error.strerror}.")
    if left is None:
        return None
    return _mistake(left, "stays open to other users: its disk keeps no permissions.")


def refusal(data: Path) -> Mistake | None:
    """The mistake if others can enter the folder and something else is in it. Ask before the first
    file is made there, which would make it look like ours.
    """
    data = data.resolve()
    if not _can_be_entered(data) or _is_ours(data):
        return None
    return _mistake(data, "holds other files, and other users can enter it.")


def _can_be_entered(data: Path) -> bool:
    return data.is_dir() and bool(data.stat().st_mode & OWNER_ONLY)


def _too_open(data: Path) -> Iterator[Path]:
    """The folder first. What another process takes away meanwhile is not there."""
    allowed = PASSABLE if _server_is_another_user(data) else 0
    for path in (data, *sorted(data.iterdir())):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISLNK(mode) and mode & OWNER_ONLY & ~(allowed if path == data else 0):
            yield path


def _server_is_another_user(data: Path) -> bool:
    """Where root has no user namespaces, PostgreSQL runs as `nobody` and must pass through the
    folder; it cannot list it (guardian.py).
    """
    server = data / "postgres"
    return server.exists() and server.stat().st_uid != os.geteuid()


def _is_ours(data: Path) -> bool:
    if data.stat().st_mode & stat.S_ISVTX:
        return False
    is_empty = {path.name for path in data.iterdir()} <= OF_A_DISK
    return is_empty or any((data / name).exists() for name in OURS)


def _mistake(path: Path, problem: str) -> Mistake:
    hint = f"Use a folder of its own, such as {path / 'fairwave'}: it is made for its user alone."
    return Mistake("FAIRWAVE_DATA", f"{path} {problem}", hint)
