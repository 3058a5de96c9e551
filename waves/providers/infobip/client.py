"""SMS through Infobip: `POST /sms/3/messages`, and `GET /sms/3/logs` for what is unsure.

Our key is the message id. Infobip rejects an id that it has seen (status 23), so a repeat is
delivered once; whether the first one was accepted is then read from its log, which also answers for
one that was rejected. The log keeps messages for two days and may be late, so that a message is not
in it proves nothing.
"""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings

from operations import correlation
from waves.providers.answers import Answer, NoAnswer
from waves.providers.contract import SmsMessage
from waves.providers.http_session import HttpSession
from waves.providers.outcomes import Health, Kind, Outcome
from waves.providers.reasons import BAD_NUMBER
from waves.providers.sessions import TIMEOUT_SECONDS, handed_over, keep_alive, open_session, well

PENDING, UNDELIVERABLE, DELIVERED, EXPIRED, REJECTED = range(1, 6)  # groups of statuses
SYSTEM_ERROR: Final = 21
DUPLICATE_MESSAGE_ID: Final = 23
INVALID_NUMBERS: Final = (51, 52)
SEEN_BEFORE: Final = "seen_before"
# How long it knows an id is not documented, and its log says for two days what became of one.
KEYS_LAST: Final = timedelta(hours=47)


class InfobipSms:
    name = "infobip"
    keys_last: timedelta | None = KEYS_LAST

    def __init__(self, url: str, key: str, *, sender: str, honours_keys: bool = True) -> None:
        self.honours_keys = honours_keys
        self._url, self._sender = url.rstrip("/"), sender
        self._headers = {"Authorization": f"App {key}", "Accept": "application/json"}

    def open_session(
        self, timeout_seconds: float = TIMEOUT_SECONDS, most_connections: int = 0
    ) -> HttpSession:
        kept = keep_alive(honours_keys=self.honours_keys)
        return open_session(timeout_seconds, keep_alive_seconds=kept)

    async def send(self, session: HttpSession, message: SmsMessage) -> Outcome:
        """One POST, and for an id that was seen before one look into the log. [N-3, N-4]"""
        own = {
            "Content-Type": "application/json",
            correlation.HEADER: message.about.correlation_id,
        }
        outcome = await handed_over(
            session,
            f"{self._url}/sms/3/messages",
            _read,
            headers=self._headers | own,
            body=self._written(message),
        )
        if outcome.reason == SEEN_BEFORE:
            return await self.look_up(session, message.key)
        return outcome

    async def look_up(self, session: HttpSession, reference: str) -> Outcome:
        """What the log says of the message of this id. [N-4]"""
        address = f"{self._url}/sms/3/logs?{urlencode({'messageId': reference})}"
        try:
            answer = await session.ask("GET", address, headers=self._headers)
        except NoAnswer:
            return Outcome(Kind.UNCERTAIN, "look_up_failed")
        if answer.status != HTTPStatus.OK:
            return Outcome(Kind.UNCERTAIN, f"http_{answer.status}")
        return _logged(answer.document().get("results"), reference)

    async def check(self, session: HttpSession) -> Health:
        """Asks for the balance of the account. [X-6]"""
        address = f"{self._url}/account/1/balance"
        return await well(session, address, _health, headers=self._headers)

    def _written(self, message: SmsMessage) -> bytes:
        """Links stay as they are written. Reports go where the account's subscription says."""
        about = message.about
        return json.dumps(
            {
                "messages": [
                    {
                        "sender": self._sender,
                        "destinations": [
                            {"to": message.to.removeprefix("+"), "messageId": message.key}
                        ],
                        "content": {"text": message.body},
                        "options": {"campaignReferenceId": about.wave},
                        "webhooks": {"callbackData": json.dumps(about._asdict())},
                    }
                ],
                "options": {"tracking": {"shortenUrl": False, "trackClicks": False}},
            }
        ).encode()


def from_settings() -> InfobipSms:
    """The account of INFOBIP_URL and INFOBIP_API_KEY, which sends from INFOBIP_SENDER."""
    return InfobipSms(
        settings.INFOBIP_URL,
        settings.INFOBIP_API_KEY,
        sender=settings.INFOBIP_SENDER,
        honours_keys=settings.INFOBIP_HONOURS_KEYS,
    )


def status_of(message: Any) -> tuple[int, int]:
    """Group and id of a message's status; 0 for what cannot be read."""
    status = message.get("status") if isinstance(message, dict) else None
    found = [status.get(name) if isinstance(status, dict) else 0 for name in ("groupId", "id")]
    group, number = (each if type(each) is int and 0 < each < 10**6 else 0 for each in found)
    return group, number


def _read(answer: Answer) -> Outcome:
    """Infobip accepts a request, and says of its message whether it takes it."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(Kind.REFUSED, f"http_{answer.status}")
    messages = answer.document().get("messages")
    group, number = status_of(messages[0] if isinstance(messages, list) and messages else None)
    if group != REJECTED:
        return Outcome(Kind.SENT)  # our key is the id
    if number == DUPLICATE_MESSAGE_ID:
        return Outcome(Kind.UNCERTAIN, SEEN_BEFORE)
    if number == SYSTEM_ERROR:
        return Outcome(Kind.RETRY_LATER, f"infobip_{number}")
    return Outcome(Kind.REFUSED, reason_of(number))


def _health(answer: Answer) -> Health:
    return Health(is_well=True, detail="answers")


def reason_of(number: int) -> str:
    """A status or an error of Infobip's as a row keeps it."""
    return BAD_NUMBER if number in INVALID_NUMBERS else f"infobip_{number}"


def _logged(results: Any, reference: str) -> Outcome:
    """Of a repeat there is an entry too, which says that it was rejected as one."""
    entries = results if isinstance(results, list) else []
    statuses = [
        status_of(each)
        for each in entries
        if isinstance(each, dict) and each.get("messageId") == reference
    ]
    firsts = [(group, number) for group, number in statuses if number != DUPLICATE_MESSAGE_ID]
    if any(group and group != REJECTED for group, _ in firsts):
        return Outcome(Kind.SENT)
    if firsts and firsts[0][0] == REJECTED:
        return Outcome(Kind.REFUSED, reason_of(firsts[0][1]))
    return Outcome(Kind.UNCERTAIN, "not_in_log")
