"""E-mail through Django's backends: what their answers mean. [N-5]"""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.mail.message import sanitize_address
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.addresses import is_address
from tests.waves.providers.email_django.handing_over import ABOUT, email, sent
from waves.providers.email_django.client import DjangoEmail, from_settings
from waves.providers.outcomes import Kind


def test_n5_an_email_carries_text_html_and_our_key(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    [outcome] = sent(DjangoEmail("Presale <presale@tickets.example>"), email())
    assert outcome.kind == Kind.SENT
    [taken] = mail.outbox
    assert taken.alternatives[0][0] == "<p>words</p>"
    assert taken.message()["Message-ID"] == "<k1@tickets.example>"
    assert taken.message().get_boundary() == "=_k1"


def test_n1_an_email_names_what_it_belongs_to_in_headers_of_its_own(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sent(DjangoEmail("presale@tickets.example"), email())
    names = ("X-Campaign-ID", "X-Wave", "X-Wave-Date", "X-Market-ID", "X-Correlation-ID")
    taken = mail.outbox[0].message()
    assert [taken[name] for name in names] == list(ABOUT)


def test_n5_a_message_that_cannot_be_written_fails_alone(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outcomes = sent(DjangoEmail("a@b.example"), email(subject="two\nlines"), email("k2"))
    assert [outcome.kind for outcome in outcomes] == [Kind.REFUSED, Kind.SENT]


WRITTEN = "ab0.+-_'=?!#$%&*/^`{|}~"


@given(st.lists(st.sampled_from([*WRITTEN, "=?", "?=", "?q?", "utf-8"]), min_size=1, max_size=12))
def test_s4_an_address_that_is_well_formed_is_mailed_as_it_is_written(parts):
    address = f"{''.join(parts)}@example.com"
    if is_address(address):
        assert sanitize_address(address, "utf-8") == address


@pytest.mark.parametrize("to", ["=?utf-8?q?bad?=@example.com", "=?utf-8?q??=@example.com", "Fan@x"])
def test_s4_no_address_but_a_well_formed_one_reaches_the_mail_server(to, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outcomes = sent(DjangoEmail("a@b.example"), email(to=to), email("k2"))
    assert [(outcome.kind, outcome.reason) for outcome in outcomes] == [
        (Kind.REFUSED, "bad_address"),
        (Kind.SENT, ""),
    ]
    assert [taken.to for taken in mail.outbox] == [["fan@example.com"]]


def test_the_settings_say_in_whose_name_e_mails_go(settings):
    settings.DEFAULT_FROM_EMAIL = "Tour <tour@presale.example>"
    sent(from_settings(), email())
    assert mail.outbox[0].from_email == "Tour <tour@presale.example>"


def test_n8_an_email_says_where_its_reader_unsubscribes_where_that_is_known(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    address = f"https://presales.example/unsubscribe/{'k' * 32}.{'s' * 43}"
    sent(DjangoEmail("a@b.example"), email()._replace(unsubscribe=address), email("k2"))
    with_link, without = (each.message() for each in mail.outbox)
    assert with_link["List-Unsubscribe"] == f"<{address}>"
    assert with_link["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not [name for name in without.keys() if name.startswith("List-")]  # noqa: SIM118
