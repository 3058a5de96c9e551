"""The program of a query's process, started as it is started. [L-8]"""

from __future__ import annotations

import io
import json
import sys

import pytest

from datalake.query.engine import confinement, program


def test_limits_come_before_the_engine_and_files_are_given_up_before_it_starts(
    monkeypatch, capsys, tmp_path
):
    steps = []
    monkeypatch.setattr(confinement, "bound", lambda **limits: steps.append(limits))
    monkeypatch.setattr(confinement, "confine", lambda *given: steps.append(given))
    question = {
        "step": "plan",
        "sql": "SELECT 1 FROM nothing",
        "tables": {},
        "periods": {},
        "folder": str(tmp_path),
        "files": [7],
        "memory_bytes": 1 << 30,
        "seconds": 9,
    }
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(question)))
    program.main()
    assert steps == [{"memory_bytes": 1 << 30, "seconds": 9}, (str(tmp_path), [7])]
    assert "not found" in json.loads(capsys.readouterr().out)["refused"]


@pytest.mark.parametrize("broken", ["", "[]"])
def test_what_is_no_question_ends_the_program(monkeypatch, broken):
    monkeypatch.setattr(sys, "stdin", io.StringIO(broken))
    with pytest.raises((ValueError, TypeError)):
        program.main()
