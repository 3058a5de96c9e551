"""What each role may do is read from the roles themselves. [O-5]"""

from __future__ import annotations

import pytest

from console.people import rights
from console.people.accounts import ROLE_NAMES

pytestmark = pytest.mark.django_db


def test_o5_the_table_shows_each_right_beside_those_who_hold_it():
    table = {
        words: {role for role, has in zip(ROLE_NAMES, held, strict=True) if has}
        for group in rights.by_role()
        for words, held in group["rights"]
    }
    assert table["Approve waves"] == {"approver", "administrator"}
    assert table["Stop all sending"] == {"operator", "approver", "administrator"}
    assert table["Erase a fan"] == {"administrator"}
    assert table["See the personal data log"] == {"analyst", "administrator"}
    assert not [words for words in table if words.startswith(("Add permission", "Delete user"))]


def test_o5_each_role_has_a_sentence():
    assert [role for role, summary in rights.summaries() if summary] == list(ROLE_NAMES)
