"""The steps of the demo: each is a management command that an engineer could type."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class StepFailed(Exception):
    """A command failed; the message is its error."""


@dataclass
class Presale:
    """What has happened so far, step by step, as the commands reported it. `waves`, in the order in
    which they were sent: `name`, `members`, `approved_by`, the lines of its `preflight`, and the
    results `prepared` and `sent`.
    """

    campaign_id: str
    folder: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    waves: list[dict[str, Any]] = field(default_factory=list)
    saved: int = 0

    @property
    def files(self) -> Path:
        """The folder of the files that go in."""
        return self.folder / "demo" / self.campaign_id

    def step(self, title: str, command: str, *arguments: str) -> dict[str, Any]:
        """Run a command, show its title, keep its result under its name. Raises StepFailed."""
        from django.core.management import call_command

        say(f"{title} …")
        out = io.StringIO()
        try:
            call_command(command, *arguments, "--json", stdout=out, stderr=io.StringIO())
        except SystemExit:
            raise StepFailed(
                f"{command}: {json.loads(out.getvalue().splitlines()[-1])['error']}"
            ) from None
        result: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        self.steps[command] = result
        return result

    def save_streams(self) -> None:
        """Let every consumer take what the streams hold; the lake's records are added up."""
        self.saved += self.step("Saving the streams to the lake", "consume", "--once")["lake"][
            "out"
        ]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
