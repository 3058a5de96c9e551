"""An SMS gateway over plain HTTP: `POST {url}/sms`, `GET {url}/sms/by-reference/{reference}` for
what is unsure, and `GET {url}/sms/health` for whether it answers.

The contract is the sandbox's: bearer token, JSON `to, body, reference, campaignId, wave, waveDate,
marketId`, our key in `Idempotency-Key`, our correlation id in `X-Correlation-ID`: the body of a
repeat is the same to the byte, and the attempt that repeats has an id of its own.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from django.conf import settings

from operations import correlation
from waves.providers.answers import Answer, NoAnswer
from waves.providers.contract import SmsMessage
from waves.providers.http_session import HttpSession
from waves.providers.outcomes import Health, Kind, Outcome
from waves.providers.sessions import TIMEOUT_SECONDS, handed_over, keep_alive, open_session, well

LONGEST_ID: Final = 64
THERE: Final = (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND)


class HttpSms:
    name = "sms_http"
    keys_last: timedelta | None = None

    def __init__(self, url: str, token: str, *, honours_keys: bool = True) -> None:
        self.honours_keys = honours_keys
        self._address = f"{url.rstrip('/')}/sms"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def open_session(
        self, timeout_seconds: float = TIMEOUT_SECONDS, most_connections: int = 0
    ) -> HttpSession:
        kept = keep_alive(honours_keys=self.honours_keys)
        return open_session(timeout_seconds, keep_alive_seconds=kept)

    async def send(self, session: HttpSession, message: SmsMessage) -> Outcome:
        """One POST. Logs nothing: the row records what happened, under its key. [N-3]"""
        about = message.about
        body = json.dumps(
            {
                "to": message.to,
                "body": message.body,
                "reference": message.key,
                "campaignId": about.campaign_id,
                "wave": about.wave,
                "waveDate": about.wave_date,
                "marketId": about.market_id,
            }
        ).encode()
        own = {
            "Idempotency-Key": message.key,
            correlation.HEADER: about.correlation_id,
            "X-Request-Start": f"t={time.time_ns() // 1000}",
        }
        return await handed_over(
            session, self._address, _read, headers=self._headers | own, body=body
        )

    async def look_up(self, session: HttpSession, reference: str) -> Outcome:
        """Settles an unknown send: 200 means it was accepted, 404 that it was not. [N-4]"""
        address = f"{self._address}/by-reference/{reference}"
        try:
            answer = await session.ask("GET", address, headers=self._headers)
        except NoAnswer:
            return Outcome(Kind.UNCERTAIN, "look_up_failed")
        if answer.status == HTTPStatus.OK:
            return Outcome(Kind.SENT, provider_id=_provider_id(answer))
        if answer.status == HTTPStatus.NOT_FOUND:
            return Outcome(Kind.REFUSED, "not_accepted")
        return Outcome(Kind.UNCERTAIN, f"http_{answer.status}")

    async def check(self, session: HttpSession) -> Health:
        """One GET with our token. A gateway without that address answers 404: it is there. [X-6]"""
        address = f"{self._address}/health"
        return await well(session, address, _health, there=THERE, headers=self._headers)


def from_settings() -> HttpSms:
    """The gateway at SMS_URL, by SMS_TOKEN and SMS_HONOURS_KEYS."""
    return HttpSms(settings.SMS_URL, settings.SMS_TOKEN, honours_keys=settings.SMS_HONOURS_KEYS)


def _read(answer: Answer) -> Outcome:
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(Kind.SENT, provider_id=_provider_id(answer))
    return Outcome(Kind.REFUSED, f"http_{answer.status}")


def _health(answer: Answer) -> Health:
    return Health(is_well=True, detail="answers")


def _provider_id(answer: Answer) -> str:
    return str(answer.document().get("id", ""))[:LONGEST_ID]
