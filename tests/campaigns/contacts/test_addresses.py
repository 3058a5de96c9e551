"""One address is judged as a column of them is. [S-4]"""

from __future__ import annotations

import pytest

from campaigns.contacts.addresses import idna_form, is_address, is_domain
from tests.campaigns.contacts.email_samples import samples
from tests.campaigns.contacts.plain_emails import stored_form


def test_s4_an_address_is_one_where_it_is_what_would_be_stored_of_it():
    written = [text for text in samples(seed=4, count=5_000) if text]
    assert [is_address(text) for text in written] == [stored_form(text) == text for text in written]
    assert sum(map(is_address, written)) > 1_000


@pytest.mark.parametrize(
    ("domain", "form"),
    [
        ("example.com", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("xn--.example", None),
        ("a_b.example", "a_b.example"),
        ("a_b.é", None),
        ("", ""),
    ],
)
def test_s4_a_domain_in_ascii_stays_and_any_other_gets_its_idna_form(domain, form):
    assert idna_form(domain) == form


def test_a_domain_may_be_a_single_label_and_no_number():
    assert [is_domain(text) for text in ("ru", "a.b", "1", "a.1", "a.-b", "")] == [
        *(True, True, False, False, False, False)
    ]
