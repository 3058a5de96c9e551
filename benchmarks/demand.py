"""Change events from an upload to the archive, PostgreSQL included, beside fastavro's bare writer
on the same records; what a batch of 1,000 takes; the memory of a worker; and the first two again
beside a loop that takes a processor of its own.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro

from benchmarks.figures import Bound, Figure
from benchmarks.support.busy import busy_core
from benchmarks.support.worker import AS_SERVED
from demand.archiving import archive
from demand.archiving.batches import MOST_EVENTS
from demand.events.conversion import Failed, judge
from demand.schemas import schema_of
from fairwave import env
from sandbox import changes

EVENTS = 1_000_000
TIMES_SMALLER = 10  # the file that memory is compared with
OF_WRITER = 100_000  # events that fastavro writes
BESIDE = 100_000  # beside the loop, where all takes longer
BATCHES = 100
SHARE_OF_WRITER = 0.35  # of its records a second
MOST_BATCH_MS = 150
# of the peak memory of a worker, with ten times the events; peaks of two runs differ by a tenth
MOST_GROWTH = 1.25
CHILD = """
import json, pathlib, sys, time
import django; django.setup()
from demand.sources import uploads

def archive(path):
    with path.open("rb") as file:
        upload = uploads.receive(path.name, file, by=None)
    started = time.monotonic()
    uploads.process(uploads.open_job(upload, by=None).pk)
    return {"seconds": time.monotonic() - started, "events": uploads.ledger(upload)["archived"]}

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

smaller, path = map(pathlib.Path, sys.argv[1:])
archive(smaller)
base = peak()
print(json.dumps(archive(path) | {"base_bytes": base, "peak_bytes": peak()}))
"""


@dataclass(frozen=True)
class Measured:
    """A worker that archived a smaller file and then so many events: seconds and events of these,
    its peak memory after each.
    """

    seconds: float
    events: int
    base_bytes: int
    peak_bytes: int


def run(rows: int | None) -> list[Figure | Bound]:
    count, folder = rows or EVENTS, env.data_folder() / "bench"
    done, figures = _measured(count, folder, seed=1)
    with busy_core():
        _, beside = _measured(min(count, BESIDE), folder, seed=4, beside=", beside a busy loop")
    return [*figures, _memory(done), *beside]


def _measured(
    count: int, folder: Path, *, seed: int, beside: str = ""
) -> tuple[Measured, list[Figure | Bound]]:
    limit = bare_writer(min(count, OF_WRITER))
    latencies = sorted(_latencies(f"bench{seed}", seed=seed + 1))
    done = measure(count, folder, seed=seed)
    limit = (limit + bare_writer(min(count, OF_WRITER))) / 2 * done.events / min(count, OF_WRITER)
    middle, slow = statistics.median(latencies) * 1000, latencies[int(len(latencies) * 0.95)] * 1000
    note = f"median {middle:.0f} ms; of {len(latencies)} batches, one after the other"
    return done, [
        Figure(
            f"change events archived{beside}",
            done.events,
            done.seconds,
            "fastavro's bare writer",
            limit,
            1 / SHARE_OF_WRITER,
        ),
        Bound(
            f"a batch of {MOST_EVENTS:,}, 95 of 100 within{beside}",
            slow,
            "ms",
            at_most=MOST_BATCH_MS,
            note=note,
        ),
    ]


def _memory(done: Measured) -> Bound:
    base, peak = done.base_bytes / 2**20, done.peak_bytes / 2**20
    note = f"{base:,.0f} MiB with a smaller file, {peak:,.0f} MiB with {done.events:,}"
    return Bound(
        "peak memory of the worker beside a smaller file",
        peak / base,
        "times",
        at_most=MOST_GROWTH,
        note=note,
    )


def bare_writer(count: int) -> float:
    """Seconds of fastavro's writer for the records of these events as dicts, ready in memory, a
    file for each type.
    """
    by_type: dict[str, list[dict[str, Any]]] = {}
    now = datetime.now(UTC)
    for line in changes.make(count):
        found = judge(line, now=now)
        assert not isinstance(found, Failed)
        by_type.setdefault(found.record_type, []).append(found.record)
    schemas = {name: fastavro.parse_schema(dict(schema_of(name).avro)) for name in by_type}
    started = time.monotonic()
    for name, records in by_type.items():
        fastavro.writer(io.BytesIO(), schemas[name], records, codec="snappy")
    return time.monotonic() - started


def _latencies(source: str, *, seed: int) -> Iterator[float]:
    """Seconds of each of so many batches of a stream, claim to end."""
    lines = changes.make(BATCHES * MOST_EVENTS, seed=seed)
    for number in range(BATCHES):
        raws = list(islice(lines, MOST_EVENTS))
        started = time.monotonic()
        archive.archive(archive.claim(source, str(number), str(number), len(raws)), raws)
        yield time.monotonic() - started


def measure(count: int, folder: Path, *, seed: int) -> Measured:
    """So many pretend events through a fresh worker that has archived fewer before."""
    smaller = _file(max(1, count // TIMES_SMALLER), folder, seed=seed + 2)
    command = [
        sys.executable,
        "-c",
        CHILD,
        str(smaller),
        str(_file(count, folder, seed=seed)),
    ]
    ran = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=AS_SERVED | os.environ
    )
    return Measured(**json.loads(ran.stdout.splitlines()[-1]))


def _file(count: int, folder: Path, *, seed: int) -> Path:
    """The pretend events; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"changes-{count}-{seed}.jsonl"
    if not path.exists():
        half = path.with_suffix(".half")
        changes.write(half, count, seed=seed)
        half.rename(path)
    return path
