"""The names of tests, and their order, are the same in every process, at every time. Workers that
collected different names would end the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import collected

ROOT = Path(__file__).parent.parent


def test_another_process_with_other_hashes_collects_the_same_tests_in_the_same_order(
    request: pytest.FixtureRequest,
):
    """The workers of a run are such processes; where there is one alone, another is started."""
    ours = collected.names_of(request.session)
    if collected.others_hash_otherwise():
        found = collected.of_all_workers(request.config)
        assert len(found) >= int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    else:
        found = [of_another_process(request.config.args)]
    wanted = set(ours)
    for names in found:
        theirs = [name for name in names if name in wanted]
        if request.config.pluginmanager.hasplugin("randomly"):
            ours, theirs = sorted(ours), sorted(theirs)
        assert theirs == ours


def of_another_process(arguments: list[str]) -> list[str]:
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_tests_of_one_group_are_told_to_run_in_one_worker(request: pytest.FixtureRequest):
    """pytest-xdist says so in their names. Where it fails to, nothing else would tell."""
    apart = "PYTEST_XDIST_WORKER" in os.environ
    named = zip(collected.names_of(request.session), request.session.items, strict=True)
    for name, item in named:
        in_group = item.get_closest_marker("xdist_group") is not None
        assert (name != item.nodeid) == (apart and in_group), item.nodeid
