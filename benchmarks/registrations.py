"""A registration file from upload to published, in a worker of its own, beside a bare COPY of the
resulting rows into the same table: its indexes, its triggers and its keys are there. [C-4, C-5]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Bound, Figure
from benchmarks.support import server
from benchmarks.support.worker import AS_SERVED, WARM_UP_ROWS
from campaigns import loading
from campaigns.models import Registrant
from fairwave import env
from operations.database import copying, statements
from sandbox import fans

ROWS = 2_000_000
SMALLER = 1_000_000  # rows of the file that one of twice as many and more is compared with
PIECE = 1024 * 1024
MOST_OF_BARE_COPY = 2.0
MOST_MIB = 512
MOST_GROWTH = 1.15  # of the time per row
TABLE = "campaigns_registrant"
COLUMNS = tuple(
    field.attname for field in Registrant._meta.concrete_fields if not field.primary_key
)
CHILD = """
import json, pathlib, resource, sys, time
import django; django.setup()
from benchmarks.support import server
from campaigns.opening import campaign_of
from campaigns.registrations import imports

def process(path):
    with path.open("rb") as file:
        found = imports.receive(campaign_of("bench-" + path.stem), path.name, file, by=None)
    return imports.process(imports.open_job(found, by=None).pk)

def own_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

def memory(name):
    # by /proc: for getrusage the peak is at least that of the process that started this one
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

warm_up, path = map(pathlib.Path, sys.argv[1:])
process(warm_up)
started, own, servers = time.monotonic(), own_seconds(), server.seconds()
done = process(path)
print(json.dumps({
    "campaign": done.campaign_id, "rows": done.rows_in, "accepted": done.accepted,
    "seconds": time.monotonic() - started, "python_seconds": own_seconds() - own,
    "server_seconds": server.seconds() - servers, "peak_bytes": memory("VmHWM:")}))
"""


@dataclass(frozen=True)
class Imported:
    """One file's campaign, rows in and accepted, seconds from upload to published, the processor
    time of the worker and of PostgreSQL, and the worker's peak memory.
    """

    campaign: int
    rows: int
    accepted: int
    seconds: float
    python_seconds: float
    server_seconds: float
    peak_bytes: int


def run(rows: int | None) -> list[Figure | Bound]:
    count, folder = rows or ROWS, env.data_folder() / "bench"
    done = measure(count, folder)
    limit, server_seconds = bare_copy(done.campaign, folder)
    note = (
        f"{done.accepted:,} accepted; processor time: {done.python_seconds:.1f} s of Python,"
        f" {done.server_seconds:.1f} s of PostgreSQL, {server_seconds:.1f} s of it for the bare"
        " COPY"
    )
    published = Figure(
        "registration file to published",
        done.rows,
        done.seconds,
        "bare COPY into the same table",
        limit,
        MOST_OF_BARE_COPY,
        note,
    )
    peak = Bound("peak memory of the worker", done.peak_bytes / 2**20, "MiB", at_most=MOST_MIB)
    return [published, peak, *(_growth(done, folder) if count >= 2 * SMALLER else [])]


def measure(count: int, folder: Path) -> Imported:
    """The registrations of so many pretend fans through a fresh worker, which has imported a
    smaller file before.
    """
    paths = [registrations(min(WARM_UP_ROWS, count // 3), folder), registrations(count, folder)]
    for path in paths:
        loading.load(fans.campaign(count, campaign_id=f"bench-{path.stem}"))
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, paths)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=AS_SERVED | os.environ,
    )
    return Imported(**json.loads(ran.stdout.splitlines()[-1]))


def registrations(count: int, folder: Path) -> Path:
    """The registration file of so many pretend fans; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"registrations-{count}.csv"
    if not path.exists():
        half = path.with_suffix(".half")
        fans.write_registrations(half, count)
        half.rename(path)  # one that was interrupted is made anew
    return path


def bare_copy(campaign: int, folder: Path) -> tuple[float, float]:
    """Seconds of a COPY of a campaign's rows, as prepared bytes on disk, into the emptied table,
    and the processor time that PostgreSQL used for it.
    """
    prepared = folder / "copy.txt"
    query = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE campaign_id = %(campaign)s ORDER BY id"
    with prepared.open("wb") as out:
        out.writelines(copying.pieces_of(query, campaign=campaign))
    statements.run(f"TRUNCATE {TABLE} CASCADE")
    started, used = time.monotonic(), server.seconds()
    with prepared.open("rb") as file:
        copying.copy_pieces(TABLE, COLUMNS, iter(lambda: file.read(PIECE), b""))
    seconds, server_seconds = time.monotonic() - started, server.seconds() - used
    prepared.unlink()
    return seconds, server_seconds


def _growth(done: Imported, folder: Path) -> list[Bound]:
    """How the time per row grows with the file."""
    statements.run("TRUNCATE campaigns_campaign CASCADE")
    smaller = measure(SMALLER, folder)
    growth = (done.seconds / done.rows) / (smaller.seconds / smaller.rows)
    note = f"{smaller.rows:,} rows in {smaller.seconds:.2f} s"
    beside = f"time per row beside a file of {smaller.rows:,} rows"
    return [Bound(beside, growth, "times", at_most=MOST_GROWTH, note=note)]
