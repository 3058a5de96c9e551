"""SMS through Twilio: `POST /2010-04-01/Accounts/{account}/Messages.json`.

Twilio knows no idempotency key: a message that is posted twice is delivered twice, and none can be
looked up by a reference of ours. So our key goes into the address at which Twilio reports what
became of the message (receipts.py), with campaign, wave, wave date, market and correlation id,
for which its API has no fields.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings

from operations import correlation
from waves.providers.answers import Answer
from waves.providers.contract import SmsMessage
from waves.providers.http_session import HttpSession
from waves.providers.outcomes import Health, Kind, Outcome
from waves.providers.reasons import BAD_NUMBER, OPTED_OUT
from waves.providers.sessions import TIMEOUT_SECONDS, handed_over, keep_alive, open_session, well

LONGEST_ID: Final = 64
MESSAGING_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")
TOO_MANY_REQUESTS: Final = 20429
QUEUE_IS_FULL: Final = 21611  # of the number that we send from
QUEUE_PATIENCE_SECONDS: Final = 10.0
UNSUBSCRIBED: Final = 21610
INVALID_NUMBERS: Final = (21211, 21217, 21614)


class TwilioSms:
    name = "twilio"
    honours_keys = False
    keys_last: timedelta | None = None

    def __init__(self, url: str, account: str, token: str, *, sender: str, reports: str) -> None:
        """`sender`: a messaging service, or the number or name that messages come from. `reports`:
        the address of receipts.
        """
        self._account = f"{url.rstrip('/')}/2010-04-01/Accounts/{account}"
        known = b64encode(f"{account}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {known}"}
        kind = "MessagingServiceSid" if MESSAGING_SERVICE.fullmatch(sender) else "From"
        self._from, self._reports = {kind: sender}, reports

    def open_session(
        self, timeout_seconds: float = TIMEOUT_SECONDS, most_connections: int = 0
    ) -> HttpSession:
        kept = keep_alive(honours_keys=self.honours_keys)
        return open_session(timeout_seconds, keep_alive_seconds=kept)

    async def send(self, session: HttpSession, message: SmsMessage) -> Outcome:
        """One POST. [N-3]"""
        about = message.about
        fields = {
            "key": message.key,
            "campaign": about.campaign_id,
            "wave": about.wave,
            "waveDate": about.wave_date,
            "market": about.market_id,
            "correlationId": about.correlation_id,
        }
        form = {
            "To": message.to,
            "Body": message.body,
            "StatusCallback": f"{self._reports}?{urlencode(fields)}",
        }
        own = {
            "Content-Type": "application/x-www-form-urlencoded",
            correlation.HEADER: about.correlation_id,
        }
        return await handed_over(
            session,
            f"{self._account}/Messages.json",
            _read,
            headers=self._headers | own,
            body=urlencode(form | self._from).encode(),
        )

    async def look_up(self, session: HttpSession, reference: str) -> Outcome:
        """Twilio finds messages by number and day, not by a reference of ours. [N-4]"""
        return Outcome(Kind.UNCERTAIN, "no_look_up")

    async def check(self, session: HttpSession) -> Health:
        """Whether the account is active. [X-6]"""
        return await well(session, f"{self._account}.json", _health, headers=self._headers)


def from_settings() -> TwilioSms:
    """The account TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, which sends from TWILIO_SENDER."""
    return TwilioSms(
        settings.TWILIO_URL,
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        sender=settings.TWILIO_SENDER,
        reports=f"{settings.SITE_URL.rstrip('/')}/receipts/{TwilioSms.name}",
    )


def _read(answer: Answer) -> Outcome:
    document = answer.document()
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(Kind.SENT, provider_id=str(document.get("sid", ""))[:LONGEST_ID])
    code = document.get("code")
    if code == TOO_MANY_REQUESTS:
        return Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=answer.patience)
    if code == QUEUE_IS_FULL:
        return Outcome(Kind.RATE_LIMITED, f"twilio_{code}", after_seconds=QUEUE_PATIENCE_SECONDS)
    return Outcome(Kind.REFUSED, reason_of(code) or f"http_{answer.status}")


def reason_of(code: Any) -> str:
    """One of Twilio's error codes as a row keeps it; empty where it is none."""
    if isinstance(code, bool) or not isinstance(code, int) or not 0 < code < 10**6:
        return ""
    if code == UNSUBSCRIBED:
        return OPTED_OUT
    return BAD_NUMBER if code in INVALID_NUMBERS else f"twilio_{code}"


def _health(answer: Answer) -> Health:
    status = answer.document().get("status")
    if status != "active":
        return Health(is_well=False, detail="says that the account is not active")
    return Health(is_well=True, detail="answers")
