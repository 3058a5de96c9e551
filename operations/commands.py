"""The base of every command: `--json` puts one object on the last line of standard output; all else goes to standard error."""

import json
import sys
import time
from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils.dateparse import parse_datetime

from operations import correlation
from operations.errors import LeaseLost, Refusal
from operations.jobs import told


class JsonCommand(BaseCommand):
    """Subclasses implement `run(**options) -> dict`; a Refusal becomes one clear line and exit 1."""

    requires_system_checks = ["fairwave"]  # our settings' checks; the others belong to `check`

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object on the last line")
        return parser

    @abstractmethod
    def run(self, **options: Any) -> dict[str, Any]:
        """Do the work and return the result object of interfaces.md, without `seconds`."""

    def say(self, line: str) -> None:
        """A line for the person who watches; it never mixes with the result."""
        self.stderr.write(line, self.style.NOTICE)
        self.stderr.flush()

    def handle(self, *args: Any, **options: Any) -> str | None:
        as_json = options.pop("json")
        started = time.monotonic()
        try:
            with correlation.correlated():
                result = self.run(**options)
        except (Refusal, LeaseLost) as error:
            self._show_error(str(error), started, as_json=as_json)
            sys.exit(1)
        except (OperationalError, InterfaceError) as error:
            self._show_error(f"The database cannot be reached or ended the work: {told(error)}", started, as_json=as_json)
            sys.exit(1)
        except CommandError:  # wrong usage: argparse says it
            raise
        except Exception as error:  # a fault of ours: the object says so, the traceback where
            self._show_error(told(error), started, as_json=as_json)
            raise
        result["seconds"] = _since(started)
        self.stdout.write(json.dumps(result, default=str) if as_json else as_lines(result))
        return None

    def _show_error(self, text: str, started: float, *, as_json: bool) -> None:
        line = " ".join(text.split())
        if as_json:
            self.stdout.write(json.dumps({"error": line, "seconds": _since(started)}))
        self.stderr.write(self.style.ERROR(line))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def as_lines(result: dict[str, Any], indent: str = "") -> str:
    """The result for a person: a line a key, nested ones indented."""
    lines = []
    width = max((len(key) for key in result), default=0)
    for key, value in result.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", as_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{indent}{key}:")
            lines += [f"{indent}  - " + ", ".join(f"{k} {v}" for k, v in item.items()) for item in value]
        else:
            shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
            lines.append(f"{indent}{key.ljust(width)}  {shown}")
    return "\n".join(lines)


def instant(text: str) -> datetime:
    """An ISO 8601 date and time with an offset. Raises Refusal for anything else, a naive one included."""
    try:
        value = parse_datetime(text)
    except ValueError:
        value = None
    if value is None:
        raise Refusal(f"{text!r} is no ISO 8601 date and time such as 2026-01-20T18:00:00Z.")
    if value.tzinfo is None:
        raise Refusal(f"{text!r} has no offset: write 2026-01-20T18:00:00Z or …+01:00, so that nobody has to guess.")
    return value


def user(name: str) -> User:
    """The active user of that name. Raises Refusal."""
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise Refusal(f"There is no active user {name!r}: see `manage.py createsuperuser`, or the users page.")
    return found
