"""What Infobip posts as signed JSON: delivery reports in batches, and texts that fans send. [N-3,
N-8]

The body is `{"results": […]}`; a report has `messageId` (our key), `status` and `error`, a text has
`from` and `text`. The notification profile signs the body with HMAC-SHA256, in hex or base64, in
the header that INFOBIP_SIGNATURE_HEADER names. It carries no time: a body that is posted again
changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any, Final

from django.conf import settings

from operations.entry import values
from operations.errors import BadValue
from waves.choices import SendState
from waves.providers import posted
from waves.providers.infobip import client
from waves.providers.outcomes import Event, Ignored, InboundText, Objection, Receipt
from waves.providers.posted import Posted

ANSWER: Final = None
DELIVERED_TO_OPERATOR: Final = 2  # another report follows when the phone has it
GROUPS: Final = (
    client.PENDING,
    client.UNDELIVERABLE,
    client.DELIVERED,
    client.EXPIRED,
    client.REJECTED,
)
NO_SUCH_PHONE: Final = ("EC_UNKNOWN_SUBSCRIBER", "EC_UNIDENTIFIED_SUBSCRIBER")
PHONE: Final = re.compile(r"\+?([1-9][0-9]{6,14})")


def is_genuine(request: Posted, *, now: float) -> bool:
    """Whether the body was signed with INFOBIP_SIGNATURE_SECRET; never where that is not set."""
    if not settings.INFOBIP_SIGNATURE_SECRET:
        return False
    mac = hmac.new(settings.INFOBIP_SIGNATURE_SECRET.encode(), request.body, hashlib.sha256)
    given = request.headers.get(settings.INFOBIP_SIGNATURE_HEADER, "").removeprefix("sha256=")
    in_base64 = base64.b64encode(mac.digest()).decode()
    return posted.is_same(mac.hexdigest(), given) or posted.is_same(in_base64, given)


def read(request: Posted) -> list[Event]:
    """The reports and texts in the body, each by itself. Raises BadValue, naming the key."""
    document = request.json()
    results = document.get("results") if isinstance(document, dict) else None
    return posted.each(results, _event, key="results")


def _event(document: dict[str, Any]) -> Event:
    return _report(document) if "status" in document else _text(document)


def _report(document: dict[str, Any]) -> Event:
    group, number = client.status_of(document)
    if group not in GROUPS:
        raise BadValue("status", f"the group {values.shown(group)} is unknown.")
    reference = posted.our_key("messageId", document.get("messageId"))
    if group == client.PENDING or number == DELIVERED_TO_OPERATOR:
        return Ignored("under way", str(reference))
    if number == client.DUPLICATE_MESSAGE_ID:
        return Ignored("a repeat that was not taken", str(reference))
    if group == client.DELIVERED:
        return Receipt(reference, SendState.DELIVERED, "")
    error = document.get("error")
    name = error.get("name") if isinstance(error, dict) else None
    objection = Objection.HARD_BOUNCE if name in NO_SUCH_PHONE else None
    reason = client.reason_of(number)
    return Receipt(reference, SendState.UNDELIVERABLE, "", reason, objection)


def _text(document: dict[str, Any]) -> Event:
    message = posted.their_id("messageId", document.get("messageId"))
    number = values.text("from", document.get("from"), longest=values.SHOWN)
    text = values.text("text", document.get("text"))
    if not (phone := PHONE.fullmatch(number)):
        return Ignored("a text from another network", message)
    return InboundText(f"+{phone[1]}", text, message)
