"""Twilio's Messages API, as its documentation describes it.

`POST /2010-04-01/Accounts/ACCOUNT/Messages.json` as a form (`To, Body, From` or
`MessagingServiceSid`, and `StatusCallback`) under basic authentication with the account and the
sandbox's token answers 201 `{"sid": …, "status": "queued"}`; whatever comes twice is accepted
twice. `GET /2010-04-01/Accounts/ACCOUNT.json` describes the account. Numbers of Twilio's own for
tests are refused with the errors that they stand for. With `receipts`, `sent` and the final status
are posted as signed forms to each message's `StatusCallback`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import encode_basic_auth, web

from sandbox.behaviour import Behaviour
from sandbox.gateway import Gateway, answer
from sandbox.receipts import ReceiptPost

ACCOUNT = "AC" + "0" * 32
ADDRESS = f"/2010-04-01/Accounts/{ACCOUNT}"
REFUSED = {
    "+15005550001": 21211,  # no valid number
    "+15005550003": 21408,  # a country that the account may not send to
    "+15005550004": 21610,  # opted out
    "+15005550008": 21611,  # the queue of the sender is full
    "+15005550009": 21614,  # no mobile number
}


def signature(token: str, address: str, form: dict[str, str]) -> str:
    """The value of X-Twilio-Signature."""
    signed = address + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(
        hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    ).decode()


class TwilioApi(Gateway):
    def __init__(self, behaviour: Behaviour, receipts: ReceiptPost) -> None:
        self.receipts = receipts
        super().__init__(behaviour)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse | None:
        path, method = request.path, request.method
        if path == f"{ADDRESS}/Messages.json" and method == "POST":
            return await self.post(request)
        if path == f"{ADDRESS}.json" and method == "GET":
            if not self.is_allowed(request):
                return answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
            return answer(200, {"sid": ACCOUNT, "status": "active"})
        return None

    def is_allowed(self, request: web.BaseRequest) -> bool:
        expected = encode_basic_auth(ACCOUNT, self.behaviour.token)
        return request.headers.get("Authorization") == expected

    def take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        if code := REFUSED.get(form.get("To", "")):
            return _error(code, "told to fail")
        if not form.get("To", "").startswith("+") or not form.get("Body"):
            return _error(21604, "A 'To' phone number and a 'Body' are required")
        if not (form.get("From") or form.get("MessagingServiceSid")):
            return _error(21603, "A 'From' or 'MessagingServiceSid' is required")
        callback = form.get("StatusCallback", "")
        fields = dict(parse_qsl(callback.partition("?")[2]))
        message: dict[str, Any] = form | {"fields": fields, "key": fields.get("key", "")}
        message["id"] = f"SM{len(self.messages) + 1:032x}"
        message["correlation_id"] = request.headers.get("X-Correlation-ID", "")
        self.messages.append(message)
        self.accepted_by_key[message["key"]] += 1
        if self.behaviour.receipts and callback:
            self._report(message, callback)
        return answer(201, {"sid": message["id"], "status": "queued", "error_code": None})

    def _report(self, message: dict[str, Any], callback: str) -> None:
        failed = self.dice.hits(self.behaviour.undeliverable_rate)
        for status in ("sent", "undelivered" if failed else "delivered"):
            form = {"MessageSid": message["id"], "MessageStatus": status, "To": message["To"]}
            form |= {"AccountSid": ACCOUNT, "SmsStatus": status}
            if status == "undelivered":
                form["ErrorCode"] = "30003"
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signature(self.behaviour.token, callback, form),
            }
            self.receipts.add_written(callback, urlencode(form).encode(), headers)


def _error(code: int, message: str) -> web.Response:
    return answer(400, {"code": code, "message": message, "status": 400})
