"""E-mail through Django's backends: what their answers mean. [N-5]"""

from __future__ import annotations

import socket

from django.core import mail

from waves.providers.contract import EmailText
from waves.providers.email_django.client import DjangoEmail, from_settings
from waves.providers.outcomes import Kind


def email(key="k1", to="fan@example.com", subject="Your code"):
    return EmailText(key, to, subject, "plain words", "<p>words</p>")


def test_n5_an_email_carries_text_html_and_our_key(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    [outcome] = DjangoEmail("Presale <presale@tickets.example>").send([email()])
    assert outcome.kind == Kind.SENT
    [sent] = mail.outbox
    assert sent.alternatives[0][0] == "<p>words</p>"
    assert sent.message()["Message-ID"] == "<k1@tickets.example>"


def test_n5_a_message_that_cannot_be_written_fails_alone(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outcomes = DjangoEmail("a@b.example").send([email(subject="two\nlines"), email("k2")])
    assert [outcome.kind for outcome in outcomes] == [Kind.REFUSED, Kind.SENT]


def test_n5_a_mail_server_that_is_away_took_nothing(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed.getsockname()[1]
        outcomes = DjangoEmail("a@b.example").send([email(), email("k2")])
    assert [outcome.kind for outcome in outcomes] == [Kind.RETRY_LATER] * 2


def test_the_settings_say_in_whose_name_e_mails_go(settings):
    settings.DEFAULT_FROM_EMAIL = "Tour <tour@presale.example>"
    from_settings().send([email()])
    assert mail.outbox[0].from_email == "Tour <tour@presale.example>"
