"""A prepared wave's e-mails sent with every send recorded: over SMTP to a local sink, beside a bare
aiosmtplib loop with as many connections; and through Marketing Cloud's REST API in the sandbox,
beside a bare aiohttp client.
"""

from __future__ import annotations

import time

from django.conf import settings

import sandbox
from benchmarks.figures import Figure
from benchmarks.peers import bare_clients
from benchmarks.support import mail_sink
from benchmarks.support.sent_waves import triggered_wave, unsent
from waves.messages.rendering import Recipient, composer_for
from waves.models import Member, Wave
from waves.providers.sfmc import client
from waves.sending import email_queue
from waves.sending.accounts import Limits

ROWS = 20_000
CONNECTIONS, REST_CONNECTIONS, LATENCY_MS = 10, 200, 20
LEAST_OVER_SMTP, LEAST_OVER_REST = 0.80, 0.70


def run(rows: int | None) -> list[Figure]:
    wave = triggered_wave(rows or ROWS)
    return [over_smtp(wave), over_rest(wave)]


def over_smtp(wave: Wave) -> Figure:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail_sink.running() as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        count = unsent(wave)["email"]
        started = time.monotonic()
        done = email_queue.deliver(limits=Limits(per_second=1_000_000, concurrency=CONNECTIONS))
        seconds = time.monotonic() - started
        text, html = texts_of_a_fan(wave)
        bare = bare_clients.email_seconds(
            sink.port, count=count, connections=CONNECTIONS, text=text, html=html
        )
    limit = f"bare aiosmtplib, {CONNECTIONS} connections"
    note = f"{done['sent']:,} sent, {done['failed'] + done['unknown']:,} not"
    stage = "e-mails sent over SMTP and recorded"
    return Figure(stage, done["sent"], seconds, limit, bare, 1 / LEAST_OVER_SMTP, note)


def over_rest(wave: Wave) -> Figure:
    """Through the same sandbox as SMS, with as many connections."""
    with sandbox.running(latency_ms=LATENCY_MS) as providers:
        settings.SFMC_AUTH_URL, settings.SFMC_CLIENT_SECRET = providers.url, settings.SMS_TOKEN
        settings.SFMC_CLIENT_ID, settings.SFMC_DEFINITION_KEY = "bench", "bench"
        count = unsent(wave)["email"]
        limits = Limits(per_second=1_000_000, concurrency=REST_CONNECTIONS)
        started = time.monotonic()
        done = email_queue.deliver(provider=client.from_settings(), limits=limits)
        seconds = time.monotonic() - started
        providers.forget()
        text, html = texts_of_a_fan(wave)
        bare = bare_clients.rest_email_seconds(
            providers.url, count=count, connections=REST_CONNECTIONS, text=text, html=html
        )
    limit = f"bare aiohttp on uvloop, {LATENCY_MS} ms, {REST_CONNECTIONS} connections"
    note = f"{done['sent']:,} sent, {done['failed'] + done['unknown']:,} not"
    stage = "e-mails sent over a REST API and recorded"
    return Figure(stage, done["sent"], seconds, limit, bare, 1 / LEAST_OVER_REST, note)


def texts_of_a_fan(wave: Wave) -> tuple[str, str]:
    """Text and HTML as a fan of the wave gets them."""
    member = Member.objects.filter(wave=wave).exclude(email="").select_related("market").first()
    assert member is not None
    market = member.market.market_id if member.market else ""
    fan = Recipient(market, member.global_user_id, member.code, member.language)
    email = composer_for(wave).email(fan)
    return email.body, email.html
