"""A worker of its own that processes one score file, so that its peak memory is the work's.

As workers at work have, it has processed a smaller file before, and it is started as `bin/serve`
starts workers. Its base is its peak with that file: what all stages need that are at work at once,
however many rows there are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from campaigns import loading
from sandbox import fans

WARM_UP_ROWS = 300_000
AS_SERVED = {"MALLOC_ARENA_MAX": "2"}
CHILD = """
import json, pathlib, sys, time
import django; django.setup()
from campaigns.scoring import score_files
from campaigns.opening import campaign_of

def process(path):
    with path.open("rb") as file:
        received = score_files.receive(campaign_of("bench-" + path.stem), path.name, file, by=None)
    return score_files.process(score_files.open_job(received.score_file, by=None).pk)

def memory(name):
    # by /proc: for getrusage the peak is at least that of the process that started this one
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

warm_up, path = map(pathlib.Path, sys.argv[1:])
process(warm_up)
base, started = memory("VmHWM:"), time.monotonic()
done = process(path)
took = {"score_file": done.pk, "rows": done.rows_in, "seconds": time.monotonic() - started}
print(json.dumps(took | {"base_bytes": base, "peak_bytes": memory("VmHWM:")}))
"""


@dataclass(frozen=True)
class Measured:
    """One file's number, rows in, seconds from upload to STREAMED, and the worker's base and peak
    memory.
    """

    score_file: int
    rows: int
    seconds: float
    base_bytes: int
    peak_bytes: int


def measure(count: int, folder: Path) -> Measured:
    """So many pretend fans through a fresh worker."""
    warm_up, path = score_file(WARM_UP_ROWS, folder), score_file(count, folder)
    for file, rows in ((warm_up, WARM_UP_ROWS), (path, count)):
        loading.load(fans.campaign(rows, campaign_id=f"bench-{file.stem}"))
    command = [sys.executable, "-c", CHILD, str(warm_up), str(path)]
    ran = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=AS_SERVED | os.environ
    )
    return Measured(**json.loads(ran.stdout.splitlines()[-1]))


def score_file(count: int, folder: Path) -> Path:
    """The pretend fans' score file of so many rows; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"scores-{count}.txt"
    if not path.exists():
        half = path.with_suffix(".half")
        fans.write_scores(half, count)
        half.rename(path)  # one that was interrupted is made anew
    return path
