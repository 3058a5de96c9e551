"""A worker that drains a backlog into the lake, or merges a day: its time and its peak memory, as
one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402 Django is set up first

from datalake import save, streams  # noqa: E402
from datalake.choices import RecordType, StreamName  # noqa: E402
from datalake.layout import parse_period  # noqa: E402
from datalake.merging import merge  # noqa: E402


def main(what: str, argument: str) -> None:
    connection.ensure_connection()
    print(json.dumps(drain(int(argument)) if what == "drain" else merge_day(argument)))


def drain(batches: int) -> dict[str, Any]:
    """All of the backlog, so many batches a file. The first quarter's peak is the base: what is
    needed however much waits.
    """
    backlog = streams.records_after(StreamName.INPUT, 0)
    started, taken, base = time.monotonic(), 0, 0
    while done := save.save(StreamName.INPUT, batches):
        taken += done.records_in
        if not base and taken >= backlog / 4:
            base = peak_bytes()
    seconds = time.monotonic() - started
    return {"seconds": seconds, "base_bytes": base, "peak_bytes": peak_bytes()}


def merge_day(day: str) -> dict[str, Any]:
    started = time.monotonic()
    done = merge.merge_period(RecordType.REGISTRATION, parse_period(day))
    return {
        "seconds": time.monotonic() - started,
        "files": done.files,
        "bytes": done.bytes_before,
        "records": done.records_out,
        "peak_bytes": peak_bytes(),
    }


def peak_bytes() -> int:
    """By /proc: for getrusage the peak is at least that of the process that started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(*sys.argv[1:])
