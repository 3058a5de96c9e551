"""Whoever inserts the same rows at the same moment gives way, whichever index is met first. [N-4]"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from operations.database.statements import rows

ROOT = Path(__file__).parents[2]
INSERT = re.compile(
    r"INSERT INTO (?P<table>\w+)(?:(?!INSERT INTO).)*?ON CONFLICT \([^\n]+\) DO NOTHING", re.DOTALL
)
UNIQUE = """
SELECT indrelid::regclass::text, count(*) FROM pg_index
WHERE indisunique AND NOT indisprimary GROUP BY 1
"""
# The whole table is locked, and a code that another fan has is to be an error. [T-4]
ONE_AT_A_TIME = {"waves_selection"}


@pytest.mark.django_db
def test_n4_an_insert_that_gives_way_names_an_index_only_where_there_is_no_other():
    """PostgreSQL looks for the named conflict before it inserts: of two doubled rows inserted at
    once, the second can meet another unique index first, and that is an error.
    """
    unique = dict(rows(UNIQUE))
    apps = [path.parent for path in ROOT.glob("*/apps.py")]
    modules = [file for app in apps for file in app.rglob("*.py") if "migrations" not in file.parts]
    named = {
        (file.relative_to(ROOT).as_posix(), found["table"])
        for file in modules
        for found in INSERT.finditer(file.read_text())
    }
    assert {table for _, table in named} >= {"waves_takenreport", "waves_softstart"}
    assert {
        (file, table)
        for file, table in named
        if unique.get(table, 0) > 1 and table not in ONE_AT_A_TIME
    } == set()
