"""Work in the foreground says how far it is, to a person at a terminal and to nobody else. [O-1]"""

from __future__ import annotations

import io
import threading

import pytest
from django.core.management.base import OutputWrapper

from operations import foreground, jobs, leases
from operations.models import Job
from operations.subjects import Subject

pytestmark = pytest.mark.django_db(transaction=True)


class Screen(io.StringIO):
    """A terminal that remembers when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if "rows" in text:
            self.written.set()
        return super().write(text)


def test_the_line_at_a_terminal_says_what_the_page_says_and_is_gone_at_the_end(monkeypatch):
    monkeypatch.setattr(foreground, "REFRESH_SECONDS", 0.01)
    screen, job = Screen(), jobs.open_job("count_sheep", Subject("flock", "1"))
    with leases.working(job.pk) as lease, foreground.watched(job.pk, OutputWrapper(screen)):
        lease.step("Counting sheep", rows=2_000_000, progress=1_200_000, total=2_000_000)
        assert screen.written.wait(30)
    assert "Counting sheep: 1.2 million of 2 million rows" in screen.getvalue()
    assert screen.getvalue().endswith(foreground.CLEAR)
    assert "\n" not in screen.getvalue()


def test_a_line_is_never_longer_than_the_terminal_is_wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen()
    foreground.ProgressLine(OutputWrapper(screen)).show("x" * 100)
    assert screen.getvalue() == foreground.CLEAR + "x" * 19


def test_work_without_a_job_is_counted_in_the_same_words():
    screen = Screen()
    with foreground.counted("Checking rows", OutputWrapper(screen)) as tell:
        tell(0, 2_000)
        assert "Checking rows: 0 of 2,000 rows" in screen.getvalue()
    assert screen.getvalue().endswith(foreground.CLEAR)


def test_what_is_no_terminal_is_left_alone():
    text, job = (
        io.StringIO(),
        Job.objects.create(
            kind="count_sheep", subject_kind="flock", subject_id="1", progress=1, total=2
        ),
    )
    with foreground.watched(job.pk, OutputWrapper(text)):
        foreground.ProgressLine(OutputWrapper(text)).show("1 of 2 steps")
    assert text.getvalue() == ""
