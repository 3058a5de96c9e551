"""One stem with running digits. [X-13]"""

from __future__ import annotations

import numpy as np
import polars as pl

from campaigns.fairness.suspicious.groups import Group
from campaigns.fairness.suspicious.stems import running_digits
from campaigns.fairness.suspicious.traits import CONTACTS, traits_of


def found_in(emails: list[str]) -> list[Group]:
    fans = {"line": range(2, len(emails) + 2), "email": emails, "phone": "", "registered_us": None}
    return running_digits(traits_of(pl.DataFrame(fans, schema=CONTACTS)).numbered)


def people(count: int) -> list[str]:
    """Of fifty names, most with a birth year."""
    rng = np.random.default_rng(4)
    return [
        f"name{'abcdefghij'[at % 10] * (1 + at % 5)}{1960 + rng.integers(50)}@mail.example"
        for at in range(count)
    ]


def test_x13_running_digits_of_one_stem_are_a_group():
    (group,) = found_in(
        people(500) + [f"bot{number}@mail.example" for number in range(4_000, 4_020)]
    )
    assert group.lines.tolist() == list(range(502, 522))
    assert group.expected < 1


def test_x13_birth_years_are_no_running_digits_though_each_is_there():
    emails = people(5_000)
    assert found_in(emails) == []
    of_one_name = {email for email in emails if email.startswith(("namea1", "namea2"))}
    assert len(of_one_name) == 50


def test_x13_a_stem_that_runs_over_several_domains_is_one_group():
    at = [f"bot{number}@own{number % 5}.example" for number in range(5_000, 5_030)]
    (group,) = found_in(people(500) + at)
    assert group.size == 30


def test_x13_a_run_that_lacks_some_numbers_is_a_group():
    bots = [f"bot{number}@mail.example" for number in range(4_000, 4_060) if number % 3]
    (group,) = found_in(people(500) + bots)
    assert group.size == 40


def test_x13_numbers_apart_are_no_run():
    assert found_in(people(500) + [f"bot{n * n * 7}@mail.example" for n in range(20, 60)]) == []


def test_x13_a_machines_own_numbers_do_not_excuse_them():
    """Nearly all numbers of the file are its own."""
    (group,) = found_in(
        [*people(3), *[f"bot{number}@mail.example" for number in range(4_000, 4_030)]]
    )
    assert group.size == 30
