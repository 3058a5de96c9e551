"""What the simulated Twilio, Infobip and Marketing Cloud post of a message is what their readers take. [N-3]"""

from __future__ import annotations

import asyncio
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.http.request import HttpHeaders

import sandbox
from sandbox.providers.twilio import ACCOUNT
from tests.support.waiting import LIMIT_SECONDS, wait_until
from waves.choices import SendState
from waves.providers.contract import About, EmailMessage, SmsMessage
from waves.providers.infobip import receipts as infobip_receipts
from waves.providers.infobip.client import InfobipSms
from waves.providers.outcomes import Ignored, Objection, Receipt
from waves.providers.posted import Posted
from waves.providers.sfmc import receipts as sfmc_receipts
from waves.providers.sfmc.client import MarketingCloud
from waves.providers.sfmc.session import Credentials
from waves.providers.twilio import receipts as twilio_receipts
from waves.providers.twilio.client import TwilioSms

KEY = uuid.UUID(int=7)
ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
MESSAGE = SmsMessage(str(KEY), "+12025550123", "Your code", ABOUT)


@pytest.fixture
def door():
    """A door that takes everything: its address, and what was posted to it."""
    taken = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            environ = {
                f"HTTP_{name.upper().replace('-', '_')}": value
                for name, value in self.headers.items()
            }
            environ["CONTENT_TYPE"] = self.headers["Content-Type"]
            address = f"http://127.0.0.1:{self.server.server_port}{self.path}"
            taken.append(Posted(HttpHeaders(environ), body, address))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/receipts/", taken
    server.shutdown()
    server.server_close()


def send(client, message=MESSAGE):
    async def run():
        async with client.open_session(LIMIT_SECONDS, 1) as session:
            return await client.send(session, message)

    return asyncio.run(run())


def read(reader, requests):
    assert all(reader.is_genuine(request, now=0) for request in requests)
    return [event for request in requests for event in reader.read(request)]


def test_twilios_reports_are_genuine_and_name_our_key(door, settings):
    address, taken = door
    settings.TWILIO_AUTH_TOKEN = "sandbox"
    with sandbox.running(latency_ms=0, receipts=True, undeliverable_rate=1.0) as box:
        client = TwilioSms(
            box.url, ACCOUNT, "sandbox", sender="Presale", reports=f"{address}twilio"
        )
        theirs = send(client).provider_id
        wait_until(lambda: len(taken) == 2, "two reports are posted")
    assert read(twilio_receipts, taken) == [
        Ignored("sent", theirs),
        Receipt(KEY, SendState.UNDELIVERABLE, theirs, "twilio_30003"),
    ]


def test_infobips_reports_are_genuine_and_name_our_key(door, settings):
    address, taken = door
    settings.INFOBIP_SIGNATURE_SECRET = "sandbox"
    with sandbox.running(latency_ms=0, receipts=True, receipt_url=f"{address}sms_http") as box:
        send(InfobipSms(box.url, "sandbox", sender="Presale"))
        wait_until(lambda: taken, "a report is posted")
    assert taken[0].address == f"{address}infobip"
    assert read(infobip_receipts, taken) == [Receipt(KEY, SendState.DELIVERED, "")]


def test_marketing_clouds_events_are_genuine_and_name_our_key(door, settings):
    address, taken = door
    settings.SFMC_SIGNATURE_KEY = "sandbox"
    email = EmailMessage(str(KEY), "fan@mail.example", "In", "Code", "", ABOUT)
    options = {"receipts": True, "undeliverable_rate": 1.0, "receipt_url": f"{address}sms_http"}
    with sandbox.running(latency_ms=0, **options) as box:
        send(MarketingCloud(Credentials(box.url, "package", "sandbox"), "presale"), email)
        wait_until(lambda: taken, "an event is posted")
    assert taken[0].address == f"{address}sfmc"
    assert read(sfmc_receipts, taken) == [
        Receipt(KEY, SendState.UNDELIVERABLE, "composite-1", "esp_bounced", Objection.HARD_BOUNCE)
    ]
