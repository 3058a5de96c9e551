"""Start the sandbox as a process of its own and talk to it from a test or a benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that runs; `url` has no slash at the end."""

    url: str
    pid: int

    def control(self, **options: Any) -> dict[str, Any]:
        """Change options; returns them all."""
        return self._call("POST", "/control", options)

    def received(self, *, after: int = 0, limit: int = 0, of: str = "sms") -> dict[str, Any]:
        """Counts, and `limit` accepted messages of one provider from number `after` on."""
        return self._call("GET", f"/received?after={after}&limit={limit}&of={of}")

    def messages(self, of: str = "sms") -> list[dict[str, Any]]:
        """Every message that one provider accepted, page by page."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.received(after=after, limit=10_000, of=of)
            found += page["messages"]
            after = page["next"]
        return found

    def arrivals(self, of: str = "sms") -> list[float]:
        """When each request to send came, in seconds by the sandbox's own clock."""
        instants: list[float] = self._call("GET", "/arrivals")[of]
        return instants

    def forget(self) -> None:
        """Nothing was received."""
        self._call("DELETE", "/received")

    def _call(self, method: str, path: str, value: Any = None) -> dict[str, Any]:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.url + path, data=body, method=method)  # noqa: S310 our own address
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 likewise
            answered: dict[str, Any] = json.load(response)
        return answered


@contextmanager
def running(**options: Any) -> Iterator[RunningSandbox]:
    """A sandbox on a free port with these options (behaviour.py). It ends with the block, or when
    this process is killed.
    """
    flags = [flag for name, value in options.items() for flag in _flags(name, value)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--with-parent", *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdin is not None  # noqa: S101 both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"The sandbox did not start; it ended with {process.wait()}.")
        yield RunningSandbox(address, process.pid)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def _flags(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", json.dumps(value) if isinstance(value, dict) else str(value)]
