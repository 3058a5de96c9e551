"""Salesforce Marketing Cloud's transactional messaging API, as its documentation describes it.

`POST /v2/token` with `client_id` and, as `client_secret`, the sandbox's token answers an access
token for `token_seconds` and, as the address of the API, the sandbox's own. With it, `POST
/messaging/v1/email/messages/KEY` with `definitionKey` and a `recipient` (`contactKey, to,
attributes`) answers 202. A KEY seen before is error 109110; `GET` of the same address says what
became of the message. `GET /messaging/v1/email/definitions/X` knows every X but `unknown`.
`POST /platform/v1/ens-verify` takes the receipts' secret as the verification key of every callback,
and with `receipts` each message's event, signed with it, is posted to `receipt_url`, whose last
part is replaced by `sfmc`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urljoin

from aiohttp import web

from sandbox.behaviour import Behaviour
from sandbox.gateway import Gateway, answer
from sandbox.receipts import ReceiptPost

MESSAGES = "/messaging/v1/email/messages/"
DEFINITIONS = "/messaging/v1/email/definitions/"
VERIFY = "/platform/v1/ens-verify"
TOKEN = "/v2/token"  # noqa: S105 an address
SENT = "TransactionalSendEvents.EmailSent"
BOUNCED = "TransactionalSendEvents.EmailBounced"


class MarketingCloudApi(Gateway):
    def __init__(self, behaviour: Behaviour, receipts: ReceiptPost) -> None:
        self.receipts = receipts
        super().__init__(behaviour)
        self._tokens: dict[str, tuple[float, int]] = {}  # when each ends, how often it was used
        self.tokens_given = 0

    def forget(self) -> None:
        super().forget()
        self.tokens_given = 0
        self.callbacks_confirmed: list[str] = []
        self._by_key: dict[str, dict[str, Any]] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse | None:
        path, method = request.path, request.method
        if path.startswith(MESSAGES) and method == "POST":
            return await self.post(request)
        if path.startswith(MESSAGES) and method == "GET":
            return self._status(request, path.removeprefix(MESSAGES))
        if path.startswith(DEFINITIONS) and method == "GET":
            return self._definition(request, path.removeprefix(DEFINITIONS))
        if path == VERIFY and method == "POST":
            return self._verify(request, await request.read())
        if path == TOKEN and method == "POST":
            return self._token(request, await request.read())
        return None

    def is_allowed(self, request: web.BaseRequest) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        ends, uses = self._tokens.get(token, (0.0, 0))
        most = self.behaviour.token_uses
        if time.monotonic() >= ends or (most and uses >= most):
            return False
        self._tokens[token] = (ends, uses + 1)
        return True

    def _token(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        if _parsed(raw).get("client_secret") != self.behaviour.token:
            return answer(401, {"error": "invalid_client"})
        self.tokens_given += 1
        token = f"token-{self.tokens_given}"
        self._tokens[token] = (time.monotonic() + self.behaviour.token_seconds, 0)
        return answer(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self.behaviour.token_seconds,
                "rest_instance_url": f"http://{request.host}/",
            },
        )

    def take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        key = request.path.removeprefix(MESSAGES)
        if key in self._by_key and self.behaviour.honour_keys:
            self.repeats += 1
            return answer(400, {"message": "The message key was used before.", "errorcode": 109110})
        message = _parsed(raw)
        recipient = message.get("recipient")
        if not isinstance(recipient, dict) or not isinstance(recipient.get("to"), str):
            return answer(400, {"message": "No recipient.", "errorcode": 109106})
        return self._accept(message, key)

    def _accept(self, message: dict[str, Any], key: str) -> web.Response:
        message |= {"id": f"request-{len(self.messages) + 1}", "key": key}
        self.messages.append(message)
        self.accepted_by_key[key] += 1
        self._by_key[key] = message
        if self.behaviour.receipts:
            self._report(key)
        return answer(
            202,
            {
                "requestId": message["id"],
                "errorcode": 0,
                "responses": [{"messageKey": key}],
            },
        )

    def _report(self, key: str) -> None:
        """An event of the Event Notification Service, signed with the receipts' secret."""
        bounces = self.dice.hits(self.behaviour.undeliverable_rate)
        event = {
            "eventCategoryType": BOUNCED if bounces else SENT,
            "compositeId": f"composite-{len(self.messages)}",
            "info": {"messageKey": key} | ({"bounceCode": "HARD"} if bounces else {}),
        }
        body = json.dumps([event]).encode()
        signed = hmac.digest(self.behaviour.receipt_secret.encode(), body, hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "x-sfmc-ens-signature": base64.b64encode(signed).decode(),
        }
        self.receipts.add_written(urljoin(self.behaviour.receipt_url, "sfmc"), body, headers)

    def _status(self, request: web.BaseRequest, key: str) -> web.Response:
        if not self.is_allowed(request):
            return answer(401, {"message": "Not Authorized"})
        message = self._by_key.get(key)
        if message is None:
            return answer(404, {"message": "Unknown message key", "errorcode": 30003})
        found = {"requestId": message["id"], "eventCategoryType": SENT}
        return answer(200, found | {"info": {"messageKey": key}})

    def _definition(self, request: web.BaseRequest, key: str) -> web.Response:
        if not self.is_allowed(request):
            return answer(401, {"message": "Not Authorized"})
        status = 404 if key == "unknown" else 200
        return answer(status, {"definitionKey": key})

    def _verify(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        """A callback is confirmed with the key that its address was told."""
        asked = _parsed(raw)
        if not self.is_allowed(request):
            return answer(401, {"message": "Not Authorized"})
        if asked.get("verificationKey") != self.behaviour.receipt_secret:
            return answer(400, {"message": "Unknown verification key"})
        self.callbacks_confirmed.append(str(asked.get("callbackId")))
        return answer(200, {"status": "verified"})

    def counts(self) -> dict[str, Any]:
        return super().counts() | {
            "tokens_given": self.tokens_given,
            "callbacks_confirmed": self.callbacks_confirmed,
        }


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
