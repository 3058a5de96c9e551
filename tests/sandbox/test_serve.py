"""`bin/serve`: one at a time on the same data."""

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
