"""The checker runs as a process of its own, and its order and seals are right. [X-14]"""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from pathlib import Path

import pytest

from console.proof import verify_draw
from operations.errors import JobStopped
from waves.errors import SecondCountFailed
from waves.second_count import checker

HANDED = {"seed": "5eed" * 16, "facts": "f", "claim": "c"}
TELLS = """
import json, os, sys
handed = json.load(sys.stdin)
print(json.dumps({"progress": [1, 2]}))
said = [" ".join(sys.argv), " ".join(os.environ), handed["seed"], str(sys.flags.isolated)]
print(json.dumps({"agrees": False, "problems": said, "counted": {"fans": 2}}))
sys.exit(1)
"""
WAITS = """
import os, sys, time
open("pid.part", "w").write(str(os.getpid()))
os.rename("pid.part", "pid")
time.sleep(600)
"""


def run(folder: Path, monkeypatch, script: str, check_stop=lambda: None):
    """The verdict, and the progress that was reported."""
    file = folder / "script.py"
    file.write_text(script)
    monkeypatch.setattr(checker, "SCRIPT", file)
    reported: list[tuple[int, int]] = []
    paths = folder / "facts.zip", folder / "claim.zip"
    verdict = checker.run_checker(
        *paths, HANDED, lambda done, total: reported.append((done, total)), check_stop
    )
    return verdict, reported


def test_x14_the_seed_comes_through_a_pipe_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "of the site")
    verdict, reported = run(tmp_path, monkeypatch, TELLS)
    arguments, environment, seed, isolated = verdict.problems
    assert (verdict.agrees, verdict.fans, reported) == (False, 2, [(1, 2)])
    assert (seed, isolated) == (HANDED["seed"], "1")
    assert HANDED["seed"] not in arguments + environment
    assert "SECRET_KEY" not in environment


@pytest.mark.parametrize("script", ["raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_x14_a_checker_without_a_verdict_is_a_fault(tmp_path, monkeypatch, script):
    with pytest.raises(SecondCountFailed, match="no verdict"):
        run(tmp_path, monkeypatch, script)


def test_x14_a_checker_that_dies_before_it_reads_says_why(tmp_path, monkeypatch):
    """What it is handed is longer than a pipe holds, so it cannot have been taken."""
    monkeypatch.setitem(HANDED, "longer", "x" * 300_000)
    with pytest.raises(SecondCountFailed, match=r"no verdict\. No module named zlib"):
        run(tmp_path, monkeypatch, "raise SystemExit('No module named zlib')")


def test_x14_a_checker_without_progress_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(checker, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(SecondCountFailed, match="no progress for 0 minutes"):
        run(tmp_path, monkeypatch, WAITS)


def test_x14_a_verdict_that_the_exit_code_denies_is_a_fault(tmp_path, monkeypatch):
    with pytest.raises(SecondCountFailed):
        run(tmp_path, monkeypatch, TELLS.replace("sys.exit(1)", ""))


def test_x14_a_stop_ends_the_process(tmp_path, monkeypatch):
    def stop() -> None:
        if (tmp_path / "pid").exists():
            raise JobStopped("pause")

    with pytest.raises(JobStopped):
        run(tmp_path, monkeypatch, WAITS, stop)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_x14_facts_and_claim_are_those_that_were_sealed(tmp_path):
    paths = [tmp_path / "facts.zip", tmp_path / "claim.zip"]
    for path in paths:
        path.write_bytes(b"x")
    found = verify_draw.recount(*map(str, paths), HANDED)
    assert found["problems"] == ["The record's facts are not those that were sealed."]
    right = hashlib.sha256(b"x").hexdigest()
    found = verify_draw.recount(*map(str, paths), HANDED | {"facts": right})
    assert found["problems"] == ["The record's claim are not those that were sealed."]
    found = verify_draw.recount(*map(str, paths), HANDED | {"facts": right, "claim": right})
    assert found["problems"][0].startswith("The sealed record cannot be read: BadZipFile")
    assert json.dumps(found)


def test_s9_equal_band_scores_stand_by_luck_then_by_reference():
    """No presale that a test could make has two fans of one band score."""
    luck = verify_draw.Luck("1", bytes(32), None)
    fans = verify_draw.Roster("fans", verify_draw.Report(), luck, 0.22)
    refs = [hashlib.sha256(bytes([n])).digest() for n in range(4)]
    fans.refs = bytearray(b"".join(sorted(refs)))
    fans.scores = array("d", [0.5, 0.7, 0.5, 0.5])
    h = {fans.ref(0): b"a", fans.ref(2): b"c", fans.ref(3): b"b"}
    luck.digests = lambda refs: (h.get(ref.decode(), b"") for ref in refs)  # type: ignore
    assert fans.best_first(range(4)) == [1, 2, 3, 0]
    luck.digests = lambda refs: (b"same" for _ in refs)  # type: ignore
    assert fans.best_first(range(4)) == [1, 0, 2, 3]
