"""The process of a query: what it is given, and that it ends. Small programs stand for the engine.
[L-8]
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from datalake.errors import QueryRefused
from datalake.query import process
from datalake.query.process import Limits

LIMITS = Limits(seconds=100, rows=5, memory_bytes=1 << 30, answer_bytes=100)
FOREVER = "import json, os, time; print(os.getpid(), flush=True); time.sleep(1000)"


@pytest.fixture
def ask(monkeypatch, tmp_path):
    def ask(program, *, files=(), check=lambda: None, seconds=100.0):
        monkeypatch.setattr(process, "START", program)
        return process.ask(
            {"sql": "SELECT 1"},
            folder=str(tmp_path),
            files=files,
            limits=LIMITS,
            deadline=time.monotonic() + seconds,
            check=check,
        )

    return ask


def test_the_process_has_no_environment_and_no_open_files_but_its_own(ask, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "given").touch()
    number = os.open(tmp_path / "given", os.O_RDONLY)
    program = (
        "import json, os\ndef is_open(number):\n try: return bool(os.fstat(number))\n"
        " except OSError: return False\n"
        "print(json.dumps([sorted(os.environ), os.getcwd(), [*filter(is_open, range(3, 200))]]))"
    )
    try:
        [(environment, folder, numbers)] = list(ask(program, files=[number]))
    finally:
        os.close(number)
    assert set(environment) <= {"LC_CTYPE"}  # which Python sets itself
    assert (folder, numbers) == (str(tmp_path), [number])


def test_a_query_of_more_files_than_select_knows_is_answered(ask):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    many = [os.dup(0) for _ in range(1_100)]
    try:
        assert list(ask("print('[1]')", files=many)) == [[1]]
    finally:
        for number in many:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_process_is_told_its_limits(ask):
    program = "import json, sys; print(json.dumps(json.load(sys.stdin)))"
    [asked] = list(ask(program, seconds=30.5))
    assert asked["sql"] == "SELECT 1"
    assert (asked["most_rows"], asked["most_bytes"], asked["memory_bytes"]) == (5, 100, 1 << 30)
    assert 30 <= asked["seconds"] <= 35


@pytest.mark.parametrize("how", ["stopped", "late", "left"])
def test_a_query_that_is_stopped_late_or_left_has_no_process_any_more(ask, how):
    stopping = {"now": False}

    def check():
        if stopping["now"]:
            raise KeyboardInterrupt

    lines = ask(FOREVER, check=check, seconds=100)
    pid = next(lines)
    assert Path(f"/proc/{pid}").exists()
    if how == "left":
        lines.close()
    elif how == "stopped":
        stopping["now"] = True
        with pytest.raises(KeyboardInterrupt):
            next(lines)
    else:
        with pytest.raises(QueryRefused, match="took more than 100 seconds"):
            list(ask(FOREVER, seconds=0.0))
        lines.close()
    assert not Path(f"/proc/{pid}").exists()


def test_more_than_an_answer_may_hold_ends_the_query(ask, monkeypatch):
    monkeypatch.setattr(process, "OVERHEAD_BYTES", 0)
    with pytest.raises(QueryRefused, match="result is too large"):
        list(ask("print('[1]\\n' * 100)"))


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGALRM)", "took more than 100 seconds"),
        ("import os; os.abort()", "more memory than the limit"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "stopped unexpectedly"),
        ("raise SystemExit(3)", "stopped unexpectedly"),
        ("print('{\"exhausted\": true}')", "more memory than the limit"),
        ('print(\'{"refused": "No field named nope."}\')', "No field named nope"),
    ],
)
def test_whatever_ends_the_process_is_said_in_words(ask, program, says):
    with pytest.raises(QueryRefused, match=says):
        list(ask(f"import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); {program}"))
