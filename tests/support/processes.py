"""Real processes on the test's database and buckets, to be killed, cut off and measured.

Each is forked from a server of this test run that has Django loaded (`warm`): it is a process like
any other, but is at work at once instead of after seconds of imports.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from itertools import count
from multiprocessing import forkserver
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tests.support.child import Given, main
from tests.support.waiting import LIMIT_SECONDS, wait_until

# every statement of a process, as a place to be killed at
STATEMENT = "django.db.backends.utils:CursorWrapper.execute"
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    "STORAGES",
    "FAIRWAVE_DATA",
    "AWS_ENDPOINT_URL",
    "STREAM_ENGINE",
    "S3_EVENTS_QUEUE",
    "CODE_SERVICE_URL",
    "VERDICT_QUEUE",
    "DEMAND_TABLE",
)
DATABASE = ("HOST", "PORT", "NAME", "USER", "PASSWORD", "OPTIONS")
# as it was before any test changed it
_environment = dict(os.environ)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.support.warm"])
_numbers = count(1)


@cache  # made where a process is started: each process itself reads this module as well
def _outputs() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fairwave-processes-")


class Process:
    """`work(*arguments)` in a process of its own; `options` are those of `child.Given`."""

    def __init__(self, work: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        files = Path(_outputs().name) / str(next(_numbers))
        self._output, self._errors = files.with_suffix(".out"), files.with_suffix(".err")
        for file in (self._output, self._errors):
            file.touch()
        found = {
            "database": {name: connection.settings_dict[name] for name in DATABASE},
            "settings": {name: getattr(settings, name) for name in SETTINGS},
            "environment": dict(os.environ),
        }
        given = Given(output=self._output, errors=self._errors, **found | options)
        self._conversation, theirs = _context.Pipe()
        self._process = _context.Process(
            target=main, args=(given, theirs, work, list(arguments)), daemon=True
        )
        _start_server()
        self._process.start()
        theirs.close()

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    def wait(self) -> int:
        """How it ended: its exit status, or the negative number of the signal that ended it."""
        self._process.join(LIMIT_SECONDS)
        assert self._process.exitcode is not None, "it does not end"
        return self._process.exitcode

    def kill(self) -> int:
        """As a crash ends it."""
        self._process.kill()
        return self.wait()

    def terminate(self) -> None:
        os.kill(self._process.pid or 0, signal.SIGTERM)

    def result(self) -> dict[str, Any]:
        """The object on its last line, when it has ended well."""
        assert self.wait() == 0, self.errors
        return self.last_line()

    def last_line(self) -> dict[str, Any]:
        return dict(json.loads(self._output.read_text().splitlines()[-1]))

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def measured(self) -> tuple[int, int]:
        """Its largest memory in KiB, and how often the call was made at which it was not killed."""
        assert self._conversation.poll(LIMIT_SECONDS), "it did not end by itself"
        return self._conversation.recv()  # type: ignore[no-any-return]

    def expect(self, word: str) -> None:
        """Wait until it is `ready` to begin, or `halted` at its call."""
        assert self._conversation.poll(LIMIT_SECONDS), f"it does not come to be {word}"
        assert self._conversation.recv() == word

    def expect_stopped(self) -> None:
        """Wait until it is stopped at its call (SIGSTOP): none of its threads does anything."""
        assert self.is_stopped(), "it ended before it came to its call"

    def is_stopped(self) -> bool:
        """Whether it was stopped at its call, once it was, or has ended."""
        assert self._conversation.poll(LIMIT_SECONDS), "it neither stops nor ends"
        if self._conversation.recv() != "stopped":
            return False
        state = ("ps", "-o", "stat=", "-p", str(self._process.pid))
        wait_until(
            lambda: subprocess.run(state, capture_output=True, check=True).stdout.startswith(b"T"),
            "a process that is stopped",
        )
        return True

    def wake(self) -> None:
        """It was stopped, and goes on."""
        os.kill(self._process.pid or 0, signal.SIGCONT)

    def go_on(self) -> None:
        self._conversation.send("go on")


def command(*arguments: object, **options: Any) -> Process:
    """A management command in a process of its own."""
    return Process(call_command, *map(str, arguments), **options)


def run_together(*processes: Process) -> list[dict[str, Any]]:
    """The results of `held` processes, which begin as soon as all are ready."""
    for process in processes:
        process.expect("ready")
    for process in processes:
        process.go_on()
    return [process.result() for process in processes]


def _start_server() -> None:
    """Start the server that processes are forked from, should it not run yet."""
    clean = _environment | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "fairwave.settings"}
    with mock.patch.dict(os.environ, clean, clear=True):
        forkserver.ensure_running()
