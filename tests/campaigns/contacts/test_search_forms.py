"""Contacts as written, in the form in which a search asks for them. [X-1]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.contacts.search_forms import COLUMNS, LONGEST, phone_form, search_forms


def forms(*cells: str) -> tuple[str | None, ...]:
    return pl.DataFrame([cells], schema=COLUMNS, orient="row").select(search_forms(*COLUMNS)).row(0)


def test_addresses_and_member_ids_are_lower_cased_and_phones_are_digits():
    assert forms("A@B.Example", "+1 (206) 555\u20110100", "M-1") == (
        "a@b.example",
        "12065550100",
        "m-1",
    )


@pytest.mark.parametrize(
    "cells",
    [
        ("a@b.example;c@d.example", "1", "m"),
        ("a@b.example", "206, 555", "m"),
        ("a@b.example", "1", '"m"'),
        ("a\u200b@b.example", "1", "m"),
        ("a@b.example", "1", "m" * (LONGEST + 1)),
    ],
)
def test_cells_that_may_hold_several_values_or_are_very_long_have_no_form(cells):
    assert forms(*cells) == (None, None, None)


def test_a_phone_that_is_typed_has_the_form_of_one_that_is_written():
    assert phone_form("206.555.0100 X5") == forms("", "206 555-0100x5", "")[1] == "2065550100x5"
