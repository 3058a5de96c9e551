"""The inside of a process that `processes.Process` starts."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Given:
    """What the process finds: the test's database, settings and environment, and what happens to
    it there. Calls are named `module:function` or `module:Class.method`.
    """

    database: dict[str, Any]
    settings: dict[str, Any]
    environment: dict[str, str]
    output: Path
    errors: Path
    # `module:NAME` → value
    constants: dict[str, Any] = field(default_factory=dict)
    # killed at this call for the nth time, before the call is made or after; never at 0
    killed_at: str = ""
    nth: int = 1
    after: bool = False
    # stopped (SIGSTOP) at this call for the nth time, before the call is made
    stopped_at: str = ""
    # waits for a word of the test before the work, or before this call
    held: bool = False
    halted_at: str = ""
    # no file may grow beyond
    file_bytes: int | None = None
    standard_input: Path | None = None


def main(given: Given, test: Connection, work: Callable[..., Any], arguments: list[Any]) -> None:
    """Do the work. What it prints stands in the two files; a value that it returns is the last line
    of the output, as JSON.
    """
    _open_standard_files(given)
    # Whoever starts the tests in the background of a shell has them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(given.environment)
    from django.conf import settings

    for name, value in given.settings.items():
        setattr(settings, name, value)
    settings.DATABASES["default"].update(given.database)
    for name, value in given.constants.items():
        setattr(*place_of(name), value)
    calls: list[str] = []
    if given.killed_at:
        replace(given.killed_at, lambda real: deadly(real, calls, given.nth, after=given.after))
    if given.stopped_at:
        replace(given.stopped_at, lambda real: stopping(real, calls, given.nth, test))
    if given.halted_at:
        replace(given.halted_at, lambda real: halted(real, test))
    if given.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (given.file_bytes, given.file_bytes))
    if given.held:
        say_and_wait(test, "ready")
    try:
        if (value := work(*arguments)) is not None:
            print(json.dumps(value))  # noqa: T201
    finally:
        sys.stdout.flush()
        test.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(calls)))


def _open_standard_files(given: Given) -> None:
    for number, path, flags in (
        (0, given.standard_input or Path(os.devnull), os.O_RDONLY),
        (1, given.output, os.O_WRONLY | os.O_APPEND),
        (2, given.errors, os.O_WRONLY | os.O_APPEND),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 for its whole life


def place_of(name: str) -> tuple[Any, str]:
    """The object that holds what is named, and the name there."""
    module, _, path = name.partition(":")
    *owners, last = path.split(".")
    place: Any = import_module(module)
    for owner in owners:
        place = getattr(place, owner)
    return place, last


def replace(name: str, by: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    place, last = place_of(name)
    setattr(place, last, by(getattr(place, last)))


def deadly(
    real: Callable[..., Any], calls: list[str], nth: int, *, after: bool
) -> Callable[..., Any]:
    """`real`, whose `nth` call is the last thing that the process does. Calls are noted in
    `calls`.
    """

    def called(*arguments: Any, **options: Any) -> Any:
        calls.append(threading.current_thread().name)
        is_last = len(calls) == nth
        if is_last and after:
            real(*arguments, **options)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)

    return called


def stopping(
    real: Callable[..., Any], calls: list[str], nth: int, test: Connection
) -> Callable[..., Any]:
    """`real`, at whose `nth` call the whole process stops until it is woken."""

    def called(*arguments: Any, **options: Any) -> Any:
        calls.append(threading.current_thread().name)
        if len(calls) == nth:
            test.send("stopped")
            os.kill(os.getpid(), signal.SIGSTOP)
        return real(*arguments, **options)

    return called


def halted(real: Callable[..., Any], test: Connection) -> Callable[..., Any]:
    def called(*arguments: Any, **options: Any) -> Any:
        say_and_wait(test, "halted")
        return real(*arguments, **options)

    return called


def say_and_wait(test: Connection, word: str) -> None:
    test.send(word)
    test.recv()
