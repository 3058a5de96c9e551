"""`bin/serve`: one at a time on the same data; what ends is started again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import serve

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent.parent
HOLD = (
    "import sys; from pathlib import Path; from sandbox import serve; "
    "held = serve.hold(Path(sys.argv[1])); print(bool(held), flush=True); sys.stdin.read()"
)


def test_a_second_one_on_the_same_data_is_refused_until_the_first_is_gone_even_if_killed(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, **pipes) as first:
        assert first.stdout.readline() == "True\n"
        second = subprocess.run(
            [sys.executable, "-m", "sandbox.serve"],
            cwd=ROOT,
            env=os.environ | {"FAIRWAVE_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        first.kill()
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == f"bin/serve already runs on {tmp_path}. {serve.ELSEWHERE}\n"
    assert [file.name for file in tmp_path.iterdir()] == ["serve.lock"]
    with serve.hold(tmp_path):
        assert serve.hold(tmp_path) is None


def test_t1_a_process_that_ended_is_started_again_sooner_the_longer_it_ran(tmp_path):
    """[T-1]"""
    program = serve.Program("sheep", ["sh", "-c", "echo $FLOCK"], tmp_path / "log", FLOCK="one")
    pauses = []
    for _ in range(7):
        program.process.wait()
        assert program.has_ended
        assert not program.start_again()
        program.started -= program.pause
        assert program.start_again()
        pauses.append(program.pause)
    assert pauses == [2, 4, 8, 16, 30, 30, 30]
    program.process.wait()
    program.started -= 3 * serve.LONGEST_PAUSE
    assert program.start_again()
    assert program.pause == serve.FIRST_PAUSE
    program.process.wait()
    assert (tmp_path / "log").read_text() == 9 * "one\n"
