"""One contact in many spellings. [X-13]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.fairness.suspicious.groups import Group
from campaigns.fairness.suspicious.spellings import many_spellings
from campaigns.fairness.suspicious.traits import CONTACTS, traits_of


def found_in(emails: list[str]) -> list[Group]:
    fans = {"line": range(2, len(emails) + 2), "email": emails, "phone": "", "registered_us": None}
    return many_spellings(traits_of(pl.DataFrame(fans, schema=CONTACTS)).mail)


PEOPLE = [f"fan{number}@gmail.com" for number in range(300)]
SPELLED = ["annab@gmail.com", "anna.b@gmail.com", "a.nnab@googlemail.com"] + [
    f"a.n.nab+{tag}@gmail.com" for tag in range(8)
]


def test_x13_dots_tags_and_googlemail_are_one_contact():
    (group,) = found_in([*PEOPLE, *SPELLED])
    assert group.lines.tolist() == list(range(302, 313))
    assert group.about == {"spellings": 11}
    assert group.expected == pytest.approx(311 / 301)  # fans, and their mailboxes


def test_x13_one_address_of_many_fans_is_one_spelling():
    assert found_in([*PEOPLE, *["agency@own.example"] * 30]) == []


def test_x13_where_many_share_mailboxes_one_more_is_no_surprise():
    families = [f"house{n}+{tag}@own.example" for n in range(200) for tag in range(2 + n % 6)]
    assert found_in([*PEOPLE, *families, *SPELLED]) == []
