"""E-mail through Django's backends: what their answers mean. [N-5]"""

from __future__ import annotations

import socket
from typing import ClassVar

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.addresses import is_address
from waves.providers.contract import About, EmailText
from waves.providers.email_django.client import DjangoEmail, from_settings
from waves.providers.outcomes import Kind

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")


def email(key="k1", to="fan@example.com", subject="Your code"):
    return EmailText(key, to, subject, "plain words", "<p>words</p>", ABOUT)


def test_n5_an_email_carries_text_html_and_our_key(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    [outcome] = DjangoEmail("Presale <presale@tickets.example>").send([email()])
    assert outcome.kind == Kind.SENT
    [sent] = mail.outbox
    assert sent.alternatives[0][0] == "<p>words</p>"
    assert sent.message()["Message-ID"] == "<k1@tickets.example>"


def test_n1_an_email_names_what_it_belongs_to_in_headers_of_its_own(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    DjangoEmail("presale@tickets.example").send([email()])
    names = ("X-Campaign-ID", "X-Wave", "X-Wave-Date", "X-Market-ID", "X-Correlation-ID")
    sent = mail.outbox[0].message()
    assert [sent[name] for name in names] == list(ABOUT)


def test_n5_a_message_that_cannot_be_written_fails_alone(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outcomes = DjangoEmail("a@b.example").send([email(subject="two\nlines"), email("k2")])
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
    outcomes = DjangoEmail("a@b.example").send([email(to=to), email("k2")])
    assert [(outcome.kind, outcome.reason) for outcome in outcomes] == [
        (Kind.REFUSED, "bad_address"),
        (Kind.SENT, ""),
    ]
    assert [sent.to for sent in mail.outbox] == [["fan@example.com"]]


def test_n5_a_mail_server_that_is_away_took_nothing(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed.getsockname()[1]
        outcomes = DjangoEmail("a@b.example").send([email(), email("k2")])
    assert [outcome.kind for outcome in outcomes] == [Kind.RETRY_LATER] * 2


class Foreign(BaseEmailBackend):
    """A backend whose library has errors of its own."""

    class Failed(Exception):
        pass

    failing: ClassVar[set[str]] = set()

    def open(self):
        if "open" in self.failing:
            raise self.Failed

    def send_messages(self, messages):
        if messages[0].subject in self.failing:
            raise self.Failed("the key of the account is abc")
        return 1

    def close(self):
        if "close" in self.failing:
            raise self.Failed


@pytest.mark.parametrize(
    ("failing", "kinds"),
    [
        ({"one", "close"}, [Kind.UNCERTAIN, Kind.SENT]),
        ({"open"}, [Kind.RETRY_LATER, Kind.RETRY_LATER]),
    ],
)
def test_n3_whatever_a_backend_raises_is_that_messages_outcome(
    failing, kinds, settings, monkeypatch
):
    settings.EMAIL_BACKEND = f"{__name__}.Foreign"
    monkeypatch.setattr(Foreign, "failing", failing)
    outcomes = DjangoEmail("a@b.example").send([email(subject="one"), email("k2", subject="two")])
    assert [outcome.kind for outcome in outcomes] == kinds


def test_n3_a_backend_that_is_not_there_took_nothing(settings):
    settings.EMAIL_BACKEND = "no.such.Backend"
    assert [one.kind for one in DjangoEmail("a@b.example").send([email()])] == [Kind.RETRY_LATER]


def test_the_settings_say_in_whose_name_e_mails_go(settings):
    settings.DEFAULT_FROM_EMAIL = "Tour <tour@presale.example>"
    from_settings().send([email()])
    assert mail.outbox[0].from_email == "Tour <tour@presale.example>"


def test_x6_a_check_connects_to_a_mail_server_and_sends_nothing(settings, tmp_path):
    assert from_settings().check() == (True, "answers")
    assert mail.outbox == []
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert from_settings().check() == (False, "cannot be reached (ConnectionRefusedError)")
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "emails"
    assert from_settings().check().is_well
    assert list((tmp_path / "emails").iterdir()) == []
    settings.EMAIL_BACKEND = "no.such.Backend"
    assert not from_settings().check().is_well
