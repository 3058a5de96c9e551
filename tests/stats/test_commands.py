"""Statistics from the command line. [O-3]"""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def result_of(command: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command(command, "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_o3_statistics_are_saved_and_reported_with_their_counts():
    campaign_with(fans=2)
    saved, told = result_of("save_stats"), result_of("slack_stats")
    assert {name: saved[name] for name in ("campaigns", "saved", "unchanged")} == {
        "campaigns": 1,
        "saved": 1,
        "unchanged": 0,
    }
    assert (told["reported"], told["unchanged"], told["without_artist"]) == (1, 0, 0)
