"""Who may do what: the site's answers are those of `docs/rights.md`. [O-5, O-7]

After a change that is meant: run this file with FAIRWAVE_RECORD=1, look at the difference, and
commit it.
"""

from __future__ import annotations

import difflib
import logging
import os
from itertools import groupby
from pathlib import Path

import pytest

from tests.faults.test_bad_values import NAMED, PK
from tests.support.site.private_rows import private_rows
from tests.support.site.rights import (
    COLUMNS,
    Asking,
    Row,
    of_commands,
    of_jobs,
    of_lists,
    of_pages,
)
from tests.test_wiring import COMMANDS

pytestmark = pytest.mark.django_db

RECORDED = Path(__file__).parent.parent / "docs" / "rights.md"
HEAD = """# Who may do what

Every page, button and command of Fairwave, and what it answers each role. This file is written by a test that
asks the running site, `tests/test_rights.py`, and the test fails when an answer changes. To write it anew:
`FAIRWAVE_RECORD=1 .venv/bin/pytest tests/test_rights.py`. What the roles are for is in the [operators'
guide](operators-guide.md#roles).

| Answer | Means |
| --- | --- |
| `page` | It opens. Contacts, codes and records of fans are masked there, until someone who may see personal data gives a reason |
| `yes` | The button or form is theirs. Whether it works now depends on the state of things: nobody approves a wave that they prepared, and an approver changes files, lists and registrations only when that is late, an operator only before |
| `moved` | It leads to another page, which asks again |
| `no`, `403` | Not permitted. Someone who is signed in without a role sees a page that says so |
| `sign in` | It leads to the login page |
| `404` | There is nothing for anyone: in the test, no proof is published and no provider has this name |

GET looks and never changes anything. POST changes something, or shows what is not to be in an address.
"""
NOTES = {
    "Commands": "With `--by`, a command asks for the rights of that user. The first column is without `--by`:"
    " `yes` there runs it for a service account.",
    "Lists": "A draft of a campaign can be deleted on its own page.",
    "Pause, cancel and resume a job": "Each kind of job needs the right to do what it does. A second count,"
    " for which approvals wait, can also be paused and resumed by who approves.",
    "Waves and sending": "An operator resets only a wave whose second count differs; `reset_wave` too. Any other"
    " wave is an administrator's to reset.",
}


def written(rows: list[Row]) -> str:
    """The file: a table for each area."""
    text = HEAD
    for area, lines in groupby(sorted(rows), key=lambda row: row.area):
        note = f"{NOTES[area]}\n\n" if area in NOTES else ""
        text += f"\n## {area}\n{note}| What | How | {' | '.join(COLUMNS)} |\n"
        text += "| --- " * (2 + len(COLUMNS)) + "|\n"
        for row in lines:
            text += f"| {row.what} | `{row.how}` | {' | '.join(row.cells)} |\n"
    return text


def test_o5_every_page_button_and_command_answers_each_role_as_the_file_says(monkeypatch, caplog):
    """None who is refused, and none who only looks, changes anything; and whoever sees personal data
    masked finds no contact of a fan on any page. [O-5, O-7]
    """
    caplog.set_level(logging.CRITICAL)
    private_rows(PK, NAMED)
    asking = Asking(monkeypatch)
    rows = [*of_pages(asking), *of_lists(asking), *of_jobs(asking), *of_commands(asking, COMMANDS)]
    assert (asking.written, asking.private) == ([], [])
    found, recorded = written(rows), RECORDED.read_text() if RECORDED.exists() else ""
    if os.environ.get("FAIRWAVE_RECORD"):
        RECORDED.write_text(found)
        return
    changed = difflib.unified_diff(
        recorded.splitlines(), found.splitlines(), "docs/rights.md", "the site", n=0, lineterm=""
    )
    if lines := list(changed):
        pytest.fail("\n".join(lines), pytrace=False)
