"""Contacts are read as people, files and providers write them. [N-8, S-4, S-5]"""

from __future__ import annotations

import polars as pl
import pytest

from waves.choices import Channel, ContactProblem
from waves.errors import BadContact
from waves.suppression.contacts import contact_of, read_contacts


@pytest.mark.parametrize(
    ("written", "country", "stored"),
    [
        (" Ann.Lee@Example.COM ", "", (Channel.EMAIL, "ann.lee@example.com")),
        ("ann@bücher.example", "", (Channel.EMAIL, "ann@xn--bcher-kva.example")),
        ("ann@mailinator.com", "", (Channel.EMAIL, "ann@mailinator.com")),
        ("+1 (206) 555-0101", "", (Channel.SMS, "+12065550101")),
        ("(206) 555-0101", "US", (Channel.SMS, "+12065550101")),
        ("+49 30 123456", "US", (Channel.SMS, "+4930123456")),
    ],
)
def test_n8_a_contact_is_read_into_the_form_in_which_fans_have_it(written, country, stored):
    assert contact_of(written, country=country) == stored


def test_n8_what_is_no_contact_says_so_without_repeating_it():
    found = read_contacts(pl.Series(["", "ann", "ann@", "2065550177", "+1206555", None]))
    assert found["contact"].to_list() == [None] * 6
    none, bad = ContactProblem.NO_CONTACT, ContactProblem.BAD_CONTACT
    problems = [none, bad, bad, ContactProblem.NO_COUNTRY, bad, none]
    assert found["problem"].to_list() == problems
    for written in ("2065550177", "bob@"):
        with pytest.raises(BadContact) as refused:
            contact_of(written)
        assert written not in str(refused.value)
