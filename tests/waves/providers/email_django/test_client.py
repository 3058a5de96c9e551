"""E-mail through Django's backends: what their answers mean. [N-5]"""

from __future__ import annotations

import asyncio
import socket
from typing import ClassVar

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.addresses import is_address
from tests.support import mail_server
from waves.providers.contract import About, EmailMessage
from waves.providers.email_django.client import DjangoEmail, from_settings
from waves.providers.outcomes import Kind

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")


def sent(provider, *messages, timeout_seconds=2.0, connections=1):
    """The outcome of each, one after the other over kept connections."""

    async def send_each():
        async with provider.open_session(timeout_seconds, connections) as session:
            return [await provider.send(session, message) for message in messages]

    return asyncio.run(send_each())


def checked():
    async def check():
        provider = from_settings()
        async with provider.open_session(2.0, 1) as session:
            return await provider.check(session)

    return asyncio.run(check())


def mailed_to(box, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port


def email(key="k1", to="fan@example.com", subject="Your code"):
    return EmailMessage(key, to, subject, "plain words", "<p>words</p>", ABOUT)


def test_n5_an_email_carries_text_html_and_our_key(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    [outcome] = sent(DjangoEmail("Presale <presale@tickets.example>"), email())
    assert outcome.kind == Kind.SENT
    [taken] = mail.outbox
    assert taken.alternatives[0][0] == "<p>words</p>"
    assert taken.message()["Message-ID"] == "<k1@tickets.example>"


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


def test_n5_a_mail_server_that_is_away_took_nothing(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed.getsockname()[1]
        outcomes = sent(DjangoEmail("a@b.example"), email(), email("k2"))
    assert [outcome.kind for outcome in outcomes] == [Kind.RETRY_LATER] * 2


def test_n3_a_mail_server_that_closes_after_some_e_mails_costs_none(settings):
    """A kept connection that is closed is opened anew."""
    with mail_server.running(closes_after=3) as box:
        mailed_to(box, settings)
        outcomes = sent(DjangoEmail("a@b.example"), *(email(f"k{n}") for n in range(10)))
    assert {outcome.kind for outcome in outcomes} == {Kind.SENT}
    assert (box.taken["fan@example.com"], box.connections) == (10, 4)


@pytest.mark.parametrize(
    ("behaviour", "kind", "reason"),
    [
        ({"cuts": "RCPT"}, Kind.RETRY_LATER, "connection_cut"),
        ({"cuts": "END"}, Kind.UNCERTAIN, "connection_cut"),
        ({"answers": {"fan@example.com": "451 later"}}, Kind.RETRY_LATER, "smtp_451"),
        ({"answers": {"fan@example.com": "550 nobody"}}, Kind.REFUSED, "recipient_refused"),
        ({"answers": {"MAIL": "421 leaving"}}, Kind.RETRY_LATER, "smtp_421"),
        ({"answers": {"DATA": "554 no"}}, Kind.REFUSED, "smtp_554"),
        ({"answers": {"END": "452 full"}}, Kind.RETRY_LATER, "smtp_452"),
        ({"answers": {"END": "550 spam"}}, Kind.REFUSED, "smtp_550"),
    ],
)
def test_n3_an_e_mail_is_unknown_only_where_its_text_was_handed_over(
    behaviour, kind, reason, settings
):
    with mail_server.running(**behaviour) as box:
        mailed_to(box, settings)
        [outcome] = sent(DjangoEmail("a@b.example"), email())
    assert (outcome.kind, outcome.reason, box.taken.total()) == (kind, reason, 0)


def test_n3_a_refused_recipient_keeps_the_connection_for_the_others(settings):
    with mail_server.running(answers={"odd@example.com": "550 nobody"}) as box:
        mailed_to(box, settings)
        outcomes = sent(DjangoEmail("a@b.example"), email(to="odd@example.com"), email("k2"))
    assert [outcome.kind for outcome in outcomes] == [Kind.REFUSED, Kind.SENT]
    assert box.connections == 1


def test_n3_no_text_is_handed_over_once_the_time_of_its_message_is_over(settings, monkeypatch):
    """The row counts as that of a dead sender soon."""
    with mail_server.running() as box:
        mailed_to(box, settings)
        [outcome] = sent(DjangoEmail("a@b.example"), email(), timeout_seconds=-1.0)
    assert (outcome.kind, box.taken.total()) == (Kind.RETRY_LATER, 0)


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
    outcomes = sent(DjangoEmail("a@b.example"), email(subject="one"), email("k2", subject="two"))
    assert [outcome.kind for outcome in outcomes] == kinds


def test_n3_a_backend_that_is_not_there_took_nothing(settings):
    settings.EMAIL_BACKEND = "no.such.Backend"
    assert [one.kind for one in sent(DjangoEmail("a@b.example"), email())] == [Kind.RETRY_LATER]


def test_the_settings_say_in_whose_name_e_mails_go(settings):
    settings.DEFAULT_FROM_EMAIL = "Tour <tour@presale.example>"
    sent(from_settings(), email())
    assert mail.outbox[0].from_email == "Tour <tour@presale.example>"


def test_x6_a_check_connects_to_a_mail_server_and_sends_nothing(settings, tmp_path):
    assert checked() == (True, "answers")
    assert mail.outbox == []
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert checked() == (False, "cannot be reached (ConnectionRefusedError)")
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "emails"
    assert checked().is_well
    assert list((tmp_path / "emails").iterdir()) == []
    settings.EMAIL_BACKEND = "no.such.Backend"
    assert not checked().is_well
