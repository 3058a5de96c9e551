"""E-mails handed to Django's backends, as the tests of its client and its connections do."""

from __future__ import annotations

import asyncio

from waves.providers.contract import About, EmailMessage
from waves.providers.email_django.client import from_settings

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
