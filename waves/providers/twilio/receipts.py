"""What Twilio posts as forms, signed: the status of a message, and texts that fans send. [N-3, N-8]

`X-Twilio-Signature` is the base64 of the HMAC-SHA1, under the account's token, of the address as
Twilio called it (SITE_URL, path and query) followed by the names and values of the form in the
order of their names. It carries no time: a body that is posted again changes nothing.

The address of a status carries our key (client.py). In the console, the same address without a
query is set as the webhook for incoming messages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from django.conf import settings

from operations.entry import values
from operations.errors import BadValue
from waves.choices import SendState
from waves.providers import posted
from waves.providers.outcomes import Event, Ignored, InboundText, Objection, Receipt
from waves.providers.posted import Posted
from waves.providers.reasons import OPTED_OUT
from waves.providers.twilio.client import reason_of

ANSWER: Final = ("text/xml", "<Response/>")  # what Twilio reads as a text goes to the fan
UNDER_WAY: Final = ("accepted", "scheduled", "queued", "sending", "sent")
DELIVERED: Final = ("delivered", "read")
FAILED: Final = ("undelivered", "failed", "canceled")
NO_SUCH_PHONE: Final = (21211, 21614, 30005, 30006)  # unknown, or a landline
PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")


def is_genuine(request: Posted, *, now: float) -> bool:
    """Whether `X-Twilio-Signature` was made with TWILIO_AUTH_TOKEN; never where that is not set."""
    if not settings.TWILIO_AUTH_TOKEN:
        return False
    try:
        pairs = posted.form_pairs(request.body)
    except BadValue:
        return False
    signed = request.address + "".join(name + value for name, value in sorted(set(pairs)))
    mac = hmac.new(
        settings.TWILIO_AUTH_TOKEN.encode(), signed.encode(errors="replace"), hashlib.sha1
    )
    expected = base64.b64encode(mac.digest()).decode()
    return posted.is_same(expected, request.headers.get("X-Twilio-Signature", ""))


def read(request: Posted) -> list[Event]:
    """The one event in the form. Raises BadValue, naming the field."""
    form = request.form()
    if "MessageStatus" in form:
        return [_status(request, form)]
    return [_text(form)]


def _status(request: Posted, form: dict[str, str]) -> Event:
    given = form["MessageStatus"]
    status = values.word("MessageStatus", given, (*UNDER_WAY, *DELIVERED, *FAILED))
    message = posted.their_id("MessageSid", form.get("MessageSid"))
    if status in UNDER_WAY:
        return Ignored(status, message)
    key = posted.our_key("key", request.query().get("key"))
    if status in DELIVERED:
        return Receipt(key, SendState.DELIVERED, message)
    code = form.get("ErrorCode")
    number = values.whole_of_text("ErrorCode", code, most=999_999) if code else 0
    reason = reason_of(number)
    objection = Objection.HARD_BOUNCE if number in NO_SUCH_PHONE else None
    if reason == OPTED_OUT:
        objection = Objection.OPTED_OUT
    return Receipt(key, SendState.UNDELIVERABLE, message, reason, objection)


def _text(form: dict[str, str]) -> Event:
    number, message = form.get("From"), posted.their_id("MessageSid", form.get("MessageSid"))
    text = values.text("Body", form.get("Body"))
    if not PHONE.fullmatch(values.text("From", number)):
        return Ignored("a text from another network", message)
    is_stop = form.get("OptOutType", "").upper() == "STOP"
    return InboundText(form["From"], text, message, is_stop=is_stop)
