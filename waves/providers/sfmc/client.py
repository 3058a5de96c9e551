"""E-mail through Salesforce Marketing Cloud: `POST /messaging/v1/email/messages/{messageKey}`, and
`GET` of the same address for what is unsure. [N-5]

Our key is the message key. Marketing Cloud takes a message key once in two days and answers a
repeat with an error of its own, so a repeat is delivered once and its answer means that the message
was accepted. What it says of a message can be asked for three days.

Subject, text and HTML go as attributes of the recipient: the send definition only prints them
(docs/deployment.md). The contact key is the e-mail address: a key of each message would make a new
contact of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings

from operations import correlation
from waves.providers.answers import Answer, NoAnswer
from waves.providers.contract import EmailMessage
from waves.providers.outcomes import Health, Kind, Outcome
from waves.providers.sessions import TIMEOUT_SECONDS, without_answer
from waves.providers.sfmc.session import Credentials, NoToken, Session

DUPLICATE_MESSAGE_KEY: Final = 109110
LONGEST_ID: Final = 64
# Two days, less the time from a claim to its request, and some for clocks.
KEYS_LAST: Final = timedelta(hours=47)
# what a look-up says of a message: on its way, sent, or not to be sent
TAKEN: Final = ("TransactionalSendEvents.EmailQueued", "TransactionalSendEvents.EmailSent")
NOT_SENT: Final = "TransactionalSendEvents.EmailNotSent"


class MarketingCloud:
    name = "sfmc"
    honours_keys = True
    keys_last: timedelta | None = KEYS_LAST

    def __init__(self, credentials: Credentials, definition_key: str) -> None:
        self._credentials, self._definition_key = credentials, definition_key

    def open_session(self, timeout_seconds: float, most_connections: int) -> Session:
        return Session(self._credentials, timeout_seconds)

    async def send(self, session: Session, message: EmailMessage) -> Outcome:
        """One POST. [N-3]"""
        path = f"/messaging/v1/email/messages/{quote(message.key, safe='')}"
        about = {correlation.HEADER: message.about.correlation_id}
        try:
            answer = await self._ask(session, "POST", path, self._written(message), about)
        except NoToken as missing:
            return missing.outcome
        except NoAnswer as error:
            return without_answer(error)
        return outcome_of(answer)

    async def look_up(self, session: Session, reference: str) -> Outcome:
        """What became of a message of the last three days. [N-4]"""
        path = f"/messaging/v1/email/messages/{quote(reference, safe='')}"
        try:
            answer = await self._ask(session, "GET", path)
        except (NoToken, NoAnswer):
            return Outcome(Kind.UNCERTAIN, "look_up_failed")
        if answer.status == HTTPStatus.NOT_FOUND:
            return Outcome(Kind.UNCERTAIN, "not_in_log")  # or it is older than three days
        found = answer.document() if answer.status == HTTPStatus.OK else {}
        event = found.get("eventCategoryType")
        if event in TAKEN:
            return Outcome(Kind.SENT, provider_id=_request_id(found))
        if event == NOT_SENT:
            # as its event says, too; what is sent again with this key is answered as a repeat
            return Outcome(Kind.UNDELIVERABLE, "not_sent", _request_id(found))
        return Outcome(Kind.UNCERTAIN, f"http_{answer.status}")

    async def check(self, session: Session) -> Health:
        """Whether it gives us a token and knows our send definition. [X-6]"""
        path = f"/messaging/v1/email/definitions/{quote(self._definition_key, safe='')}"
        try:
            status = (await self._ask(session, "GET", path)).status
        except NoToken as missing:
            return _without_token(missing.outcome)
        except (NoAnswer, ValueError):
            return Health(is_well=False, detail="cannot be reached")
        if status == HTTPStatus.NOT_FOUND:
            return Health(is_well=False, detail="does not know the send definition")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return Health(is_well=False, detail=f"refuses our token (HTTP {status})")
        if status >= HTTPStatus.BAD_REQUEST:
            return Health(is_well=False, detail=f"reports an error (HTTP {status})")
        return Health(is_well=True, detail="answers")

    async def confirm_callback(self, question: Mapping[str, object]) -> bool:
        """Tell the Event Notification Service that a callback's address is ours: what it posted
        there goes back. Raises nothing that a network can cause.
        """
        body = json.dumps(dict(question)).encode()
        try:
            async with self.open_session(TIMEOUT_SECONDS, 1) as session:
                answer = await self._ask(session, "POST", "/platform/v1/ens-verify", body)
        except (NoToken, NoAnswer):
            return False
        return answer.status < HTTPStatus.MULTIPLE_CHOICES

    async def _ask(
        self,
        session: Session,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request, repeated once with another token where its own is refused."""
        answer = await self._ask_once(session, method, path, body, headers)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = await self._ask_once(session, method, path, body, headers)
        return answer

    async def _ask_once(
        self,
        session: Session,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str] | None,
    ) -> Answer:
        access = await session.access()
        own = {"Authorization": f"Bearer {access.token}", "Content-Type": "application/json"}
        answer = await session.http.ask(
            method, access.rest_url + path, headers=own | (headers or {}), body=body
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            session.refused(access.token)
        return answer

    def _written(self, message: EmailMessage) -> bytes:
        about = message.about
        return json.dumps(
            {
                "definitionKey": self._definition_key,
                "recipient": {
                    "contactKey": message.to,
                    "to": message.to,
                    "attributes": {
                        "Subject": message.subject,
                        "Html": message.html,
                        "Text": message.text,
                        "Unsubscribe": message.unsubscribe,
                        "CampaignId": about.campaign_id,
                        "Wave": about.wave,
                        "WaveDate": about.wave_date,
                        "MarketId": about.market_id,
                        "CorrelationId": about.correlation_id,
                    },
                },
            }
        ).encode()


def from_settings() -> MarketingCloud:
    """The business unit of SFMC_AUTH_URL, SFMC_CLIENT_ID, SFMC_CLIENT_SECRET and SFMC_ACCOUNT_ID,
    with the send definition SFMC_DEFINITION_KEY.
    """
    credentials = Credentials(
        settings.SFMC_AUTH_URL,
        settings.SFMC_CLIENT_ID,
        settings.SFMC_CLIENT_SECRET,
        settings.SFMC_ACCOUNT_ID,
    )
    return MarketingCloud(credentials, settings.SFMC_DEFINITION_KEY)


def outcome_of(answer: Answer) -> Outcome:
    """What an answer means for its message. A 503 says it was not accepted only where it says when
    to come back. [N-3]
    """
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=answer.patience)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and answer.retry_after:
        return Outcome(Kind.RETRY_LATER, "http_503", after_seconds=answer.patience)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome(Kind.UNCERTAIN, f"http_{status}")
    found = answer.document()
    codes = _error_codes(found)
    if DUPLICATE_MESSAGE_KEY in codes or (status < HTTPStatus.MULTIPLE_CHOICES and not codes):
        return Outcome(Kind.SENT, provider_id=_request_id(found))
    return Outcome(Kind.REFUSED, f"sfmc_{codes[-1]}" if codes else f"http_{status}")


def _error_codes(answer: dict[str, Any]) -> list[int]:
    """Of the whole answer, then of the message in it; 0 stands for none."""
    responses = answer.get("responses")
    parts = [answer, *(responses if isinstance(responses, list) else [])]
    codes = [part.get("errorcode") for part in parts if isinstance(part, dict)]
    return [code for code in codes if isinstance(code, int) and code > 0]


def _request_id(answer: dict[str, Any]) -> str:
    return str(answer.get("requestId", ""))[:LONGEST_ID]


def _without_token(outcome: Outcome) -> Health:
    status = outcome.reason.removeprefix("token_")
    if status.isdecimal():
        return Health(is_well=False, detail=f"refuses our client id and secret (HTTP {status})")
    if outcome.kind == Kind.RATE_LIMITED:
        return Health(is_well=False, detail="limits our requests (HTTP 429)")
    return Health(is_well=False, detail="cannot be reached")
