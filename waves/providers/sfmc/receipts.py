"""Marketing Cloud's Event Notification Service: what became of an e-mail, posted in batches of
up to a thousand events. [N-3, N-8]

`x-sfmc-ens-signature` is the HMAC-SHA256 of the body in base64; its key, SFMC_SIGNATURE_KEY, is
shown once, when the callback is created. At that moment the service posts, without a signature, a
key with which we confirm that the address is ours. Nothing signs the time: a body that is posted
again changes nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from typing import Any, Final

from django.conf import settings

from operations.entry import values
from operations.entry.rate_limit import RateLimit
from operations.errors import BadValue
from waves.choices import SendState
from waves.providers import posted
from waves.providers.outcomes import Event, Ignored, Objection, Receipt
from waves.providers.posted import Posted
from waves.providers.sfmc import client

ANSWER: Final = None
SENT: Final = "TransactionalSendEvents.EmailSent"
NOT_SENT: Final = "TransactionalSendEvents.EmailNotSent"
BOUNCED: Final = "TransactionalSendEvents.EmailBounced"
UNSUBSCRIBED_CODE: Final = "1"  # of an e-mail that was not sent
# Anybody may post such a question, and each makes us ask Marketing Cloud.
QUESTIONS: Final = RateLimit(per_second=1 / 60, burst=3)


def is_genuine(request: Posted, *, now: float) -> bool:
    """Whether the body was signed with SFMC_SIGNATURE_KEY."""
    if not settings.SFMC_SIGNATURE_KEY:
        return False
    try:
        given = base64.b64decode(request.headers.get("X-Sfmc-Ens-Signature", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    key = settings.SFMC_SIGNATURE_KEY.encode()
    return hmac.compare_digest(hmac.digest(key, request.body, hashlib.sha256), given)


def confirm(request: Posted) -> bool:
    """Whether this was the question of a new callback whether the address is ours, and the service
    took our answer. While SFMC_SIGNATURE_KEY is empty, so that strangers can ask only during setup,
    and then not often.
    """
    if settings.SFMC_SIGNATURE_KEY or not settings.SFMC_AUTH_URL:
        return False
    try:
        asked = values.json_of("body", request.body)
    except BadValue:
        return False
    if not isinstance(asked, dict) or set(asked) != {"callbackId", "verificationKey"}:
        return False
    if QUESTIONS.wait_seconds("all"):
        return False
    return asyncio.run(client.from_settings().confirm_callback(asked))


def read(request: Posted) -> list[Event]:
    """The events in the body, each by itself. Raises BadValue."""
    document = request.json()
    listed = document if isinstance(document, list) else [document]
    return posted.each(listed, _event, key="body")


def _event(document: dict[str, Any]) -> Event:
    """`EmailSent` says that the message left Marketing Cloud, not that it arrived: it has no event
    for that.
    """
    what, info = document.get("eventCategoryType"), document.get("info")
    if what not in (SENT, NOT_SENT, BOUNCED):  # no set: it may be anything that JSON can say
        return Ignored(str(what)[: values.SHOWN])
    if not isinstance(info, dict):
        raise BadValue("info", "write an object with messageKey.")
    key = posted.our_key("messageKey", info.get("messageKey"))
    their_id = posted.their_id("compositeId", document.get("compositeId"))
    if what == SENT:
        return Receipt(key, SendState.SENT, their_id)
    if what == BOUNCED:
        hard = str(info.get("bounceCode")).upper() == "HARD"
        objection = Objection.HARD_BOUNCE if hard else None
        return Receipt(key, SendState.UNDELIVERABLE, their_id, "esp_bounced", objection)
    unsubscribed = str(info.get("statusCode")) == UNSUBSCRIBED_CODE
    objection = Objection.UNSUBSCRIBED if unsubscribed else None
    return Receipt(key, SendState.UNDELIVERABLE, their_id, "not_sent", objection)
