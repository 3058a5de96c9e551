"""What each worker of a run collected: they are processes with hashes of their own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def names_of(session: pytest.Session) -> list[str]:
    return [_name_of(item) for item in session.items]


def note(session: pytest.Session) -> None:
    """For the other workers of the run, if there are any."""
    if others_hash_otherwise():
        worker = os.environ["PYTEST_XDIST_WORKER"]
        folder(session.config).joinpath(f"collected-{worker}.txt").write_text(
            "\n".join(names_of(session))
        )


def of_all_workers(config: pytest.Config) -> list[list[str]]:
    """No test runs before all workers have collected theirs."""
    found = sorted(folder(config).glob("collected-*.txt"))
    return [file.read_text().splitlines() for file in found]


@contextmanager
def one_goes_ahead(config: pytest.Config) -> Iterator[None]:
    """The first worker compiles every module and its assertions, half a minute on a new clone; the
    others begin when they find all of that done.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    with folder(config).joinpath("collection.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_first = not lock.seek(0, os.SEEK_END)
        if not is_first:
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield
        if is_first:
            lock.write("done")


def others_hash_otherwise() -> bool:
    several = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1
    return several and os.environ.get("PYTHONHASHSEED", "random") == "random"


def folder(config: pytest.Config) -> Path:
    """One for all workers of a run, and for no other run."""
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
    return factory.getbasetemp().parent


def _name_of(item: pytest.Item) -> str:
    """Its name without the group that pytest-xdist appends."""
    groups = [f"@{mark.args[0]}" for mark in item.iter_markers("xdist_group")]
    return item.nodeid.removesuffix("".join(groups))
