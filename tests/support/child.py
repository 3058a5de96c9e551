"""A process of its own on the test's database and buckets: `python -m tests.support.child
SPEC`.

It says `ready`, waits for a line, prepares the wave, and says the result as JSON. With `halt` it
says `halted` at that function of `waves.preparation.prepare` and waits there, to be killed. The
test's side is `Child`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A started child. `go` lets it work as soon as it is ready, `go_on` after a halt; `kill` ends
    it as a crash would.
    """

    def __init__(self, **spec: Any) -> None:
        spec |= {"database": connection.settings_dict["NAME"], "storages": settings.STORAGES}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.child", json.dumps(spec, default=str)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def expect(self, word: str) -> None:
        line = self.process.stdout.readline().strip()
        if line != word:
            raise AssertionError(f"the child said {line!r} instead of {word!r}")

    def go(self) -> None:
        self.expect("ready")
        self.go_on()

    def go_on(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self) -> dict[str, Any]:
        output, _ = self.process.communicate(timeout=60)
        return json.loads(output.splitlines()[-1])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


def _set_up(spec: dict[str, Any]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    settings.DATABASES["default"]["NAME"] = spec["database"]
    settings.STORAGES = spec["storages"]
    import django

    django.setup()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _halt(*_: Any, **__: Any) -> None:
    _say("halted")
    sys.stdin.readline()


def _prepare(spec: dict[str, Any]) -> dict[str, Any]:
    from tests.support.waves import NOTIFY, NOW, person
    from waves.errors import WaveError
    from waves.preparation import prepare
    from waves.selection.plan import WaveRequest

    if "halt" in spec:
        setattr(prepare, spec["halt"], _halt)
    request = WaveRequest(spec["campaign"], spec["key"], notify_date=NOTIFY)
    _say("ready")
    sys.stdin.readline()
    try:
        return prepare.prepare(request, by=person("ann"), now=NOW).as_result()
    except WaveError as error:
        return {"error": str(error), "kind": type(error).__name__}


def _look(spec: dict[str, Any]) -> dict[str, Any]:
    from tests.support.waves import NOTIFY
    from waves.schedule import check_due_waves

    _say("ready")
    sys.stdin.readline()
    seen = check_due_waves(now=NOTIFY + timedelta(seconds=1))
    return {"triggered": [wave.name for wave in seen.triggered]}


def _look_for_arrivals(spec: dict[str, Any]) -> dict[str, Any]:
    from campaigns.intake import arrivals

    _say("ready")
    sys.stdin.readline()
    return {"noted": [job.arguments["name"] for job in arrivals.look()]}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _set_up(given)
    _say(
        json.dumps(
            {"prepare": _prepare, "look": _look, "look_for_arrivals": _look_for_arrivals}[
                given["work"]
            ](given)
        )
    )
