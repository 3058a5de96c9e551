"""Connections to Django's backends: kept, opened anew, and what their errors mean. [N-3, N-5]"""

from __future__ import annotations

import itertools
import socket
from types import SimpleNamespace
from typing import ClassVar

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from tests.waves.providers.email_django import mail_server
from tests.waves.providers.email_django.handing_over import checked, email, mailed_to, sent
from waves.providers.email_django import connections
from waves.providers.email_django.client import DjangoEmail
from waves.providers.outcomes import Kind


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
    moments = itertools.count(step=60)  # each look at the clock is a minute later
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    with mail_server.running() as box:
        mailed_to(box, settings)
        [outcome] = sent(DjangoEmail("a@b.example"), email())
    assert (outcome.kind, outcome.reason) == (Kind.RETRY_LATER, "connection_cut")
    assert box.taken.total() == 0


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
