"""An SMS gateway over plain HTTP: `POST {url}/sms`, `GET {url}/sms/by-reference/{reference}` for
what is unsure, and `GET {url}/sms/health` for whether it answers.

The contract is the sandbox's: bearer token, JSON `to, body, reference, campaignId, wave, waveDate,
marketId`, our key in `Idempotency-Key`, our correlation id in `X-Correlation-ID`: the body of a
repeat is the same to the byte, and the attempt that repeats has an id of its own.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus

import aiohttp
from django.conf import settings

from operations import correlation
from operations.entry import values
from operations.errors import BadValue
from waves.providers.contract import SmsMessage
from waves.providers.outcomes import Health, Kind, Outcome, patience_seconds
from waves.providers.sessions import TIMEOUT_SECONDS, open_session

BACK_OFF_SECONDS = 1.0  # where a 429 comes without Retry-After


class HttpSms:
    name = "sms_http"

    def __init__(self, url: str, token: str, *, honours_keys: bool = True) -> None:
        self.honours_keys = honours_keys
        self._address = f"{url.rstrip('/')}/sms"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def open_session(
        self, timeout_seconds: float = TIMEOUT_SECONDS, most_connections: int = 0
    ) -> aiohttp.ClientSession:
        return open_session(timeout_seconds, most_connections=most_connections)

    async def send(self, session: aiohttp.ClientSession, message: SmsMessage) -> Outcome:
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
        try:
            async with session.post(
                self._address, data=body, headers=self._headers | own
            ) as response:
                return _sorted(
                    response.status, response.headers.get("Retry-After", ""), await response.read()
                )
        except aiohttp.InvalidURL:
            raise  # a setting is wrong, and every message would meet it
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Outcome(Kind.RETRY_LATER, "no_connection")
        except TimeoutError:
            return Outcome(Kind.UNCERTAIN, "timed_out")
        except (aiohttp.ClientError, OSError):
            return Outcome(Kind.UNCERTAIN, "connection_cut")

    async def look_up(self, session: aiohttp.ClientSession, reference: str) -> Outcome:
        """Settles an unknown send: 200 means it was accepted, 404 that it was not. [N-4]"""
        try:
            async with session.get(
                f"{self._address}/by-reference/{reference}", headers=self._headers
            ) as response:
                if response.status == HTTPStatus.OK:
                    return Outcome(Kind.SENT, provider_id=_provider_id(await response.read()))
                if response.status == HTTPStatus.NOT_FOUND:
                    return Outcome(Kind.REFUSED, "not_accepted")
                return Outcome(Kind.UNCERTAIN, f"http_{response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Outcome(Kind.UNCERTAIN, "look_up_failed")

    async def check(self, session: aiohttp.ClientSession) -> Health:
        """One GET with our token. A gateway without that address answers 404: it is there. [X-6]"""
        try:
            async with session.get(f"{self._address}/health", headers=self._headers) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return Health(is_well=False, detail="cannot be reached")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return Health(is_well=False, detail=f"refuses our token (HTTP {status})")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Health(is_well=False, detail=f"reports an error (HTTP {status})")
        return Health(is_well=True, detail="answers")


def from_settings() -> HttpSms:
    """The gateway at SMS_URL, by SMS_TOKEN and SMS_HONOURS_KEYS."""
    return HttpSms(settings.SMS_URL, settings.SMS_TOKEN, honours_keys=settings.SMS_HONOURS_KEYS)


def _sorted(status: int, retry_after: str, body: bytes) -> Outcome:
    """A 503 says it was not accepted only where it says when to come back. [N-3]"""
    if status < 300:
        return Outcome(Kind.SENT, provider_id=_provider_id(body))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome(
            Kind.RATE_LIMITED,
            "http_429",
            after_seconds=patience_seconds(retry_after, BACK_OFF_SECONDS),
        )
    if status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after:
        return Outcome(
            Kind.RETRY_LATER,
            "http_503",
            after_seconds=patience_seconds(retry_after, BACK_OFF_SECONDS),
        )
    if status >= 500:
        return Outcome(Kind.UNCERTAIN, f"http_{status}")
    return Outcome(Kind.REFUSED, f"http_{status}")


def _provider_id(body: bytes) -> str:
    """The provider's own id, if its answer can be read: an accepted message stays accepted when it
    cannot.
    """
    try:
        value = values.json_of("the answer", body)
    except BadValue:
        return ""
    return str(value.get("id", ""))[:64] if isinstance(value, dict) else ""
