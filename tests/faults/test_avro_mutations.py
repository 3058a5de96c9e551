"""Whatever the bytes of an Avro file are, they become records or one refusal. [L-3]"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.conf import settings

from tests.conftest import FULL

pytestmark = pytest.mark.processes


def test_spoiled_files_and_odd_schemas_end_no_process_and_take_no_memory():
    """[L-3]"""
    arguments = ["20000", "other"] if FULL else ["150", "same"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.avro_mutations", *arguments],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4_000:]
    found = json.loads(ran.stdout)
    assert found["records"] > 0
    assert found["refused"] > 100
