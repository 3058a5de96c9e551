"""What was typed, as it is stored and as files write it. [S-2, S-4, S-5]"""

from __future__ import annotations

import pytest
from django.db import connection

from console.fans.terms import fields_of, term_of


def test_s4_an_address_is_looked_for_in_its_stored_form():
    term = term_of("  Anna@Bücher.Example\u200b", ["US"])
    assert (term.email, term.phones) == ("anna@xn--bcher-kva.example", ())
    assert not term.may_be_id


@pytest.mark.parametrize(
    "typed", ["(206) 555-0100", "206.555.0100", "+1 206 555 0100", "12065550100"]
)
def test_s5_a_number_is_looked_for_however_it_is_written(typed):
    term = term_of(typed, ["GB", "US"])
    assert "+12065550100" in term.phones
    assert {"+12065550100", "2065550100", "(206) 555-0100", "206-555-0100"} <= {*term.fields}
    assert {"12065550100", "2065550100"} <= term.written_phones


def test_what_holds_no_number_asks_for_no_rows_without_one():
    assert term_of("-", ["US"]).written_phones == term_of("...", ["US"]).written_phones == set()


def test_an_id_is_taken_as_it_stands():
    term = term_of(" Fan;7 ", ["US"])
    assert (term.exact, term.email, term.phones, term.may_be_id) == ("Fan;7", "", (), True)
    assert fields_of("Fan;7") == ("fan", "7")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "line",
    [
        "1\tA@B.example\t(206) 555-0100\tu1\tm1\t0.5\tUS",
        'u1,"A, B" , x@y.example ,\u200bÉ;\xa0ß',
        '{"email": "x@y.example", "phone": null}',
        "x" * 700 + "\tlast",
        "",
    ],
)
def test_lines_are_split_here_as_the_index_splits_them(line):
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaigns_fields(%s)", [line])
        (found,) = cursor.fetchone()
    assert tuple(field for field in found if field) == fields_of(line)
