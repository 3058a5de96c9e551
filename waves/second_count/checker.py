"""The stand-alone checker as a process of its own: without our code, our environment or our
database. The seed goes in through a pipe, never as an argument or a file. [X-14]
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from waves.errors import SecondCountFailed

# run as a program, never imported
SCRIPT: Final = Path(__file__).parents[2] / "console" / "proof" / "verify_draw.py"
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 300.0  # without progress; two million fans take less in all
PIECE = 1 << 16
LAST_WORDS = 300


@dataclass(frozen=True)
class Verdict:
    """Whether the second count came to what the wave says, and every difference in a sentence
    without personal data; how many `fans` were counted.
    """

    agrees: bool
    problems: tuple[str, ...]
    fans: int

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Verdict:
        return cls(found["agrees"], tuple(found["problems"]), found["counted"]["fans"])


Checker = Callable[
    [Path, Path, Mapping[str, str], Callable[[int, int], None], Callable[[], None]], Verdict
]


def run_checker(
    facts: Path,
    claim: Path,
    handed: Mapping[str, str],
    report: Callable[[int, int], None],
    check_stop: Callable[[], None],
) -> Verdict:
    """Recount the record. `handed`: seed and the SHA-256 of both files, in hex; `report` gets fans
    counted and all fans; `check_stop` is asked twice a second, and may raise: then the process
    ends.

    Raises SecondCountFailed where it ends without a verdict, or makes no progress for minutes.
    """
    command = [sys.executable, "-I", "-S", "-B", str(SCRIPT), "--recount", str(facts), str(claim)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={},
            cwd=facts.parent,
        ) as process,
    ):
        try:
            found = None
            for line in _lines(process, json.dumps(dict(handed)).encode(), check_stop):
                said = json.loads(line)
                if "progress" in said:
                    report(*said["progress"])
                else:
                    found = said
            code = process.wait()
        finally:
            process.kill()  # whatever ended the reading; nothing where it has ended itself
        errors.seek(0)
        words = errors.read().decode(errors="replace")[-LAST_WORDS:].strip()
    if found is None or code != (0 if found["agrees"] else 1):
        raise SecondCountFailed(f"The checker ended with {code} and no verdict. {words}".strip())
    return Verdict.of(found)


def _lines(
    process: subprocess.Popen[bytes], handed: bytes, check_stop: Callable[[], None]
) -> Iterator[bytes]:
    """What the process prints, line by line, until it closes its output. Raises SecondCountFailed
    where it prints nothing for PATIENCE_SECONDS.
    """
    if process.stdin is None or process.stdout is None:
        raise SecondCountFailed("The checker has no pipes.")
    with suppress(BrokenPipeError):  # it has ended already: its exit and last words say why
        process.stdin.write(handed)
        process.stdin.close()
    rest, heard_at = b"", time.monotonic()
    while True:
        check_stop()
        ready, _, _ = select.select([process.stdout], [], [], LOOK_SECONDS)
        if not ready:
            if time.monotonic() - heard_at > PATIENCE_SECONDS:
                raise SecondCountFailed(
                    f"The checker made no progress for {PATIENCE_SECONDS / 60:.0f} minutes and was"
                    " ended."
                )
            continue
        heard_at = time.monotonic()
        piece = os.read(process.stdout.fileno(), PIECE)
        if not piece:
            return
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
