"""Work in the foreground: one line at the terminal that shows how far it is. [O-1]"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from django.db import InterfaceError, OperationalError, connection

from operations.choices import JobState
from operations.models import Job
from operations.progress import Pace, sentence

REFRESH_SECONDS = 0.5
CLEAR = "\r\x1b[K"


class Terminal(Protocol):
    """What a command writes its errors to; `isatty` says whether it is a terminal."""

    def isatty(self) -> bool: ...
    def write(self, msg: str, style_func: Callable[[str], str] | None, ending: str) -> None: ...
    def flush(self) -> None: ...


class ProgressLine:
    """A line at a terminal that replaces itself; nothing is written elsewhere, so that logs stay
    clean.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self.visible = terminal, terminal.isatty()

    def show(self, text: str) -> None:
        if self.visible:
            width = shutil.get_terminal_size().columns - 1
            # as it is: progress is no error, and not red
            self.terminal.write(CLEAR + text[:width], str, "")
            self.terminal.flush()


def words_for(job: Job) -> str:
    """What the job does and how far it is; while it runs also how fast it goes and how long it will
    take.
    """
    if job.state == JobState.DONE:
        return ""
    pace = Pace.from_json(job.pace)
    shown = pace if job.state == JobState.RUNNING else replace(pace, samples=())
    return sentence(shown, now=time.time(), progress=job.progress, total=job.total)


@contextmanager
def watched(job_id: int, terminal: Terminal) -> Iterator[None]:
    """Show a job's progress during the block; only at a terminal."""
    line, ended = ProgressLine(terminal), threading.Event()
    thread = threading.Thread(
        target=_keep_showing, args=(job_id, line, ended), daemon=True, name=f"watch-{job_id}"
    )
    if line.visible:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if line.visible:
            thread.join()
            line.show("")


@contextmanager
def counted(what: str, terminal: Terminal) -> Iterator[Callable[[int, int], None]]:
    """Show the progress of work that has no job: yields a function to call with the rows that are
    done and the rows in all.
    """
    line, shown_at, pace = ProgressLine(terminal), 0.0, Pace(what)

    def report_progress(done: int, total: int) -> None:
        nonlocal shown_at, pace
        now = time.time()
        if total != pace.rows:
            pace = Pace(what, rows=total, samples=((now, done),))
        if now - shown_at >= REFRESH_SECONDS:
            line.show(sentence(pace, now=now, progress=done, total=total))
            shown_at = now

    try:
        yield report_progress
    finally:
        line.show("")


def _keep_showing(job_id: int, line: ProgressLine, ended: threading.Event) -> None:
    """A read that fails is left out: the work itself reports what is wrong with the database."""
    try:
        while not ended.wait(REFRESH_SECONDS):
            try:
                line.show(words_for(Job.objects.get(pk=job_id)))
            except (OperationalError, InterfaceError):
                connection.close()
    finally:
        connection.close()
