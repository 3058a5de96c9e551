"""One process of the engine: started with nothing but its question and open files, read from within
limits, and killed beyond them. [L-8]
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from datalake.errors import QueryRefused

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = "datalake.query.engine.program"
START: Final = f"import sys; sys.path.append(sys.argv[1]); from {PROGRAM} import main; main()"
ASK_EVERY_MS: Final = 250
GRACE_SECONDS: Final = 5  # after which the process ends by itself, should we be gone
PIECE: Final = 1 << 16
ANSWER_BYTES: Final = 16 << 20
OVERHEAD_BYTES: Final = 1 << 20  # names of columns, and what else is no row


@dataclass(frozen=True)
class Limits:
    """Of one query: seconds in all, rows, and the memory of its process."""

    seconds: int
    rows: int
    memory_bytes: int
    answer_bytes: int = ANSWER_BYTES


def ask(
    question: Mapping[str, Any],
    *,
    folder: str,
    files: Sequence[int] = (),
    limits: Limits,
    deadline: float,
    check: Callable[[], object],
) -> Iterator[Any]:
    """The lines that the process answers, as JSON values. `deadline` by time.monotonic; `check` is
    called at least each second and may raise to stop it.

    Raises QueryRefused for what the engine refuses, and for a process that its limits ended.
    """
    left = max(1, int(deadline - time.monotonic()) + GRACE_SECONDS)
    asked = dict(question) | {
        "folder": folder,
        "files": list(files),
        "seconds": left,
        "memory_bytes": limits.memory_bytes,
        "most_rows": limits.rows,
        "most_bytes": limits.answer_bytes,
    }
    with tempfile.TemporaryFile("w+") as stdin:
        json.dump(asked, stdin)
        stdin.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", START, str(ROOT)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=folder,
            pass_fds=files,
            start_new_session=True,
        )
    out = cast("IO[bytes]", process.stdout)
    try:
        most = limits.answer_bytes + OVERHEAD_BYTES
        for line in _lines(out, most, deadline=deadline, check=check, limits=limits):
            yield _said(json.loads(line), limits)
        _require_ended(process.wait(), limits)
    finally:
        process.kill()
        process.wait()
        out.close()


def _lines(
    out: IO[bytes],
    most_bytes: int,
    *,
    deadline: float,
    check: Callable[[], object],
    limits: Limits,
) -> Iterator[bytes]:
    left, ready = b"", select.poll()  # select() knows no more than 1,024 files
    ready.register(out, select.POLLIN)
    while True:
        check()
        if time.monotonic() > deadline:
            raise too_slow(limits)
        if not ready.poll(ASK_EVERY_MS):
            continue
        piece = os.read(out.fileno(), PIECE)
        most_bytes -= len(piece)
        if most_bytes < 0:
            raise QueryRefused("The result is too large. Select fewer columns or rows.")
        if not piece:
            return
        *whole, left = (left + piece).split(b"\n")
        yield from whole


def _said(answer: Any, limits: Limits) -> Any:
    if isinstance(answer, dict) and "refused" in answer:
        raise QueryRefused(str(answer["refused"]))
    if isinstance(answer, dict) and "exhausted" in answer:
        raise _too_big(limits)
    return answer


def _require_ended(status: int, limits: Limits) -> None:
    if status == -signal.SIGALRM:
        raise too_slow(limits)
    if status == -signal.SIGABRT:  # the allocator was refused more
        raise _too_big(limits)
    if status:
        raise QueryRefused(
            "The query stopped unexpectedly. It may be too large or too complex: make it simpler,"
            " or read fewer days."
        )


def too_slow(limits: Limits) -> QueryRefused:
    return QueryRefused(
        f"The query was stopped because it took more than {limits.seconds} seconds. Read fewer"
        " days, or merge the days first."
    )


def _too_big(limits: Limits) -> QueryRefused:
    return QueryRefused(
        f"The query needs more memory than the limit of {limits.memory_bytes >> 20:,} MiB. Read"
        " fewer days, group by fewer values, or join fewer rows."
    )
