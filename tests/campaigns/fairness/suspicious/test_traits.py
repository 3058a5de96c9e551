"""What of a contact is compared. [X-13]"""

from __future__ import annotations

import polars as pl

from campaigns.fairness.suspicious.traits import CONTACTS, PADDING, Traits, traits_of


def of(*emails: str) -> Traits:
    return traits_of(
        pl.DataFrame(
            {
                "line": range(2, len(emails) + 2),
                "email": emails,
                "phone": "",
                "registered_us": None,
            },
            schema=CONTACTS,
        )
    )


def test_x13_the_last_digits_of_an_address_are_its_number():
    numbered = of(
        "bot007@a.example", "b2b-12x@a.example", "anna@a.example", "42@b.example"
    ).numbered
    assert numbered.select("line", "number").rows() == [(2, 3 * PADDING + 7), (3, 12), (5, 42)]


def test_x13_a_stem_is_the_same_at_all_domains_and_another_at_each():
    stems = of("bot1@a.example", "bot2@b.example", "bot3x@a.example", "bot4@a.example").numbered
    assert stems["stem"].n_unique() == 2
    assert stems["stem_at"].n_unique() == 3


def test_x13_digits_behind_a_plus_are_a_spelling_and_no_number():
    found = of("anna+1@gmail.com", "an.na+2@googlemail.com")
    assert found.numbered.is_empty()
    assert (found.mail["contact"].n_unique(), found.mail["spelling"].n_unique()) == (1, 2)


def test_x13_digits_beyond_what_a_number_holds_are_left_out():
    assert of(f"{'9' * 15}@a.example", f"{'9' * 16}@a.example").numbered["line"].to_list() == [2]


def test_x13_what_is_missing_is_left_out():
    found = traits_of(
        pl.DataFrame(
            {
                "line": [2, 3, 4],
                "email": ["", None, "a@b.example"],
                "phone": ["+12065550100", "", None],
                "registered_us": [None, 5, None],
            },
            schema=CONTACTS,
        )
    )
    assert found.mail["line"].to_list() == [4]
    assert found.phones.rows() == [(2, 12_065_550_100)]
    assert found.times.rows() == [(3, 5)]
