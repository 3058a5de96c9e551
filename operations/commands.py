"""The base of every command: `--json` puts one object on the last line of standard output; all else
goes to standard error.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from textwrap import wrap
from types import FrameType
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError
from psycopg.errors import UndefinedColumn, UndefinedTable

from operations import alerts, correlation
from operations.entry.command_rights import acting_user
from operations.errors import LeaseLost, Refusal, error_text
from operations.foreground import counted, watched
from operations.jobs import record_move
from operations.services import heartbeats
from operations.services.heartbeats import Stop
from operations.subjects import Subject

NOT_SET_UP = (
    "The database is not set up for this version. Run `manage.py migrate`, or"
    " start bin/serve, which runs it."
)
STOPPED = "The command was stopped. What it finished is kept; run it again to continue."
STOPPED_STATUS = 130  # as a shell has it for Ctrl-C
NOTHING_TO_ASK = ()  # a command that changes nothing and shows no personal data


class JsonCommand(BaseCommand):
    """Subclasses implement `run(**options) -> dict`; a Refusal becomes one clear line and exit
    1.

    `permissions` are those of the page that does the same (an app's rights.py), or NOTHING_TO_ASK.
    With them the command takes `--by USER`, asks that user's, and gives `run` the user as `by`. One
    that does not need a person also runs for a service account. `leaves_name` is false where no row
    of the work names the user: each run is then a row of the history. [O-5]
    """

    permissions: tuple[str, ...]
    needs_person = True
    leaves_name = True

    requires_system_checks = ["fairwave"]  # our settings' checks; the others belong to `check`

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--json",
            action="store_true",
            help="print the result as one JSON object on the last line",
        )
        if self.permissions:
            parser.add_argument(
                "--by",
                metavar="USER",
                required=self.needs_person,
                help="the user who runs this command and has the right to"
                + ("" if self.needs_person else "; default: a service account"),
            )
        return parser

    @abstractmethod
    def run(self, **options: Any) -> dict[str, Any]:
        """Do the work and return the result object of interfaces.md, without `seconds`."""

    def shown(self, result: dict[str, Any]) -> str:
        """The result for a person, or for the program that reads standard output."""
        return as_lines(result)

    def say(self, line: str) -> None:
        """A line for the person who watches; it never mixes with the result."""
        self.stderr.write(line, self.style.NOTICE)
        self.stderr.flush()

    def watching(self, job_id: int) -> AbstractContextManager[None]:
        """At a terminal, show how far the job is while it is worked on inside."""
        return watched(job_id, self.stderr)

    def counting(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """At a terminal, show how far work without a job is: call what it gives with how many rows
        are done, of how many.
        """
        return counted(what, self.stderr)

    def handle(self, *args: Any, **options: Any) -> str | None:
        as_json = options.pop("json")
        started = time.monotonic()
        try:
            _refuse_unwritable(options)
            with correlation.correlated():
                if self.permissions:
                    options["by"] = self._asked(options["by"])
                result = self.run(**options)
        except KeyboardInterrupt:
            self._show_error(STOPPED, started, as_json=as_json, stopped=True)
            sys.exit(STOPPED_STATUS)
        except (Refusal, LeaseLost) as error:
            self._show_error(str(error), started, as_json=as_json)
            sys.exit(1)
        except (OperationalError, InterfaceError) as error:
            self._show_error(
                f"The database cannot be reached, or it stopped the command: {error_text(error)}",
                started,
                as_json=as_json,
            )
            sys.exit(1)
        except ProgrammingError as error:
            if isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
                self._show_error(NOT_SET_UP, started, as_json=as_json)
                sys.exit(1)
            self._show_error(error_text(error), started, as_json=as_json)
            raise
        except OSError as error:  # a bucket or a disk that does not do its part
            self._show_error(error_text(error), started, as_json=as_json)
            sys.exit(1)
        except CommandError:  # wrong usage: argparse says it
            raise
        except Exception as error:  # a fault of ours: the object says so, the traceback where
            self._show_error(error_text(error), started, as_json=as_json)
            raise
        result["seconds"] = _since(started)
        self.stdout.write(json.dumps(result, default=str) if as_json else self.shown(result))
        return None

    def _asked(self, name: str | None) -> User:
        """The user who runs this command. Raises CommandRefused. [O-5]"""
        command = type(self).__module__.rpartition(".")[2]
        by = acting_user(name, command, self.permissions)
        if not self.leaves_name:
            record_move(Subject("command", command), "", "started", by=by)
        return by

    def _show_error(self, text: str, started: float, *, as_json: bool, **more: Any) -> None:
        line = " ".join(text.split())
        if as_json:
            self.stdout.write(json.dumps({"error": line, "seconds": _since(started)} | more))
        self.stderr.write(self.style.ERROR(line))


class ServiceCommand(JsonCommand):
    """A command that serves until SIGTERM or SIGINT, or with `--once` until nothing is left to do.
    It then finishes the item in hand and prints its result.

    Subclasses implement `serve`, say in `until_once` when `--once` ends, and in `service` what the
    service is called: its heartbeats have that name, and so has the alert if it ends by an error.
    """

    service: str
    needs_person = leaves_name = False

    until_once = "end when nothing is left to do, instead of waiting for more"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help=self.until_once)

    @abstractmethod
    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        """Do the work until `stop` is set, which is asked between two items, and return the result
        object.
        """

    def run(self, **options: Any) -> dict[str, Any]:
        stop = Stop()
        if options["once"]:  # it ends soon anyway; a signal ends it at once
            return self.serve(stop, **options)
        beats = heartbeats.beating(self.name(**options), is_well=lambda: stop.is_asked)
        with _stopped_by_signals(stop), beats:
            try:
                return self.serve(stop, **options)
            except CommandError:
                raise
            except Exception as error:
                with suppress(OperationalError, InterfaceError):
                    alerts.alert_failure("Service", self.name(**options), error, page="/admin/")
                raise

    def name(self, **options: Any) -> str:
        """What the service is called."""
        return self.service


@contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    def handler(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _refuse_unwritable(options: dict[str, Any]) -> None:
    """Bytes of the command line that are not UTF-8 come as surrogates, which no database can keep.
    Raises Refusal.
    """
    for name, value in options.items():
        if isinstance(value, str | Path) and re.search("[\ud800-\udfff]", str(value)):
            raise Refusal(
                f"The {name} {str(value)!r} is not UTF-8. Enter it in UTF-8, or rename the file."
            )


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def as_lines(result: dict[str, Any], indent: str = "") -> str:
    """The result for a person: a line a key, nested ones indented, lists of rows as tables, of
    numbers in one piece.
    """
    lines = []
    width = max((len(key) for key, value in result.items() if not _is_nested(value)), default=0)
    for key, value in result.items():
        if not _is_nested(value):
            lines.append(f"{indent}{key.ljust(width)}  {_shown(value)}")
            continue
        lines.append(f"{indent}{key}:")
        if isinstance(value, dict):
            lines.append(as_lines(value, indent + "  "))
        elif isinstance(value[0], dict):
            lines += [f"{indent}  {line}" for line in _table(value)]
        elif isinstance(value[0], int):
            lines += wrap(
                " ".join(map(str, value)),
                100,
                initial_indent=f"{indent}  ",
                subsequent_indent=f"{indent}  ",
            )
        else:
            lines += [f"{indent}  - {_shown(item)}" for item in value]
    return "\n".join(lines)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """The keys above, the values below; numbers are right-aligned."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [keys, *([_shown(row.get(key)) for key in keys] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(keys))]
    numbers = [all(isinstance(row.get(key), int | float | None) for row in rows) for key in keys]
    return [
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in cells
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6f}".rstrip("0").rstrip(".")
    if value is None or value in ([], {}, ""):
        return "none" if value in ([], {}) else "–"
    return str(value)
