"""The names of tests, and their order, are the same in every process, at every time. Workers that
collected different names would end the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_another_process_with_other_hashes_collects_the_same_tests_in_the_same_order(
    request: pytest.FixtureRequest,
):
    ours = [name_of(item) for item in request.session.items]
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *request.config.args],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    wanted = set(ours)
    theirs = [name for name in collected if name in wanted]
    if request.config.pluginmanager.hasplugin("randomly"):
        ours, theirs = sorted(ours), sorted(theirs)
    assert theirs == ours


def test_tests_of_one_group_are_told_to_run_in_one_worker(request: pytest.FixtureRequest):
    """pytest-xdist says so in their names. Where it fails to, nothing else would tell."""
    apart = "PYTEST_XDIST_WORKER" in os.environ
    for item in request.session.items:
        in_group = item.get_closest_marker("xdist_group") is not None
        assert (name_of(item) != item.nodeid) == (apart and in_group), item.nodeid


def name_of(item: pytest.Item) -> str:
    """Its name without the group that pytest-xdist appends."""
    groups = [f"@{mark.args[0]}" for mark in item.iter_markers("xdist_group")]
    return item.nodeid.removesuffix("".join(groups))
