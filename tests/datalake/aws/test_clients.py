"""Clients of Amazon's services are made as they are asked for, and what makes them is loaded then."""

from __future__ import annotations

import re
from pathlib import Path

from datalake.aws import clients
from datalake.aws.clients import Patience

ROOT = Path(__file__).parents[3]
APPS = ("operations", "datalake", "demand", "campaigns", "waves", "stats", "console", "fairwave")
# each costs every process a tenth of a second or more, and most processes use none of them
AT_THE_TOP = re.compile(r"^(?:from|import) (?:boto3|botocore|sqlglot|dns)\b", re.MULTILINE)
LOADED_LATE = {"datalake/query/one_select.py"}


def test_a_client_waits_tries_and_connects_as_it_is_told():
    made = clients.client("sqs", Patience(3, 15, 2, connections=7), region="eu-west-3")
    config = made._client_config
    assert made.meta.region_name == "eu-west-3"
    assert (config.connect_timeout, config.read_timeout) == (3, 15)
    assert config.retries["total_max_attempts"] == 2
    assert config.max_pool_connections == 7


def test_heavy_libraries_are_loaded_where_they_are_used():
    """At the top of a module, they would be loaded by every process."""
    found = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if AT_THE_TOP.search(path.read_text())
    }
    assert found == LOADED_LATE
