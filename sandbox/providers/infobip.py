"""Infobip's SMS API, as its documentation describes it.

`POST /sms/3/messages` with `Authorization: App` and the sandbox's token, and JSON `{"messages":
[{"sender", "destinations": [{"to", "messageId"}], "content": {"text"}, …}]}`, answers 200 with a
status of each message. A `messageId` seen before is rejected (status 23), unless `honour_keys` is
off. `GET /sms/3/logs?messageId=X` lists what came under an id, `GET /account/1/balance` knows the
account. Some numbers are rejected. With `receipts`, signed reports are posted to `receipt_url`,
whose last part is replaced by `infobip`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urljoin

from aiohttp import web

from sandbox.behaviour import Behaviour
from sandbox.gateway import Gateway, answer
from sandbox.receipts import ReceiptPost

# group, group's name, id, name
Status = tuple[int, str, int, str]
ACCEPTED: Status = (1, "PENDING", 26, "PENDING_ACCEPTED")
DELIVERED: Status = (3, "DELIVERED", 5, "DELIVERED_TO_HANDSET")
UNDELIVERED: Status = (2, "UNDELIVERABLE", 9, "UNDELIVERABLE_NOT_DELIVERED")
SEEN_BEFORE: Status = (5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID")
REJECTED: dict[str, Status] = {
    "15005550001": (5, "REJECTED", 52, "REJECTED_DESTINATION"),
    "15005550002": (5, "REJECTED", 12, "REJECTED_NOT_ENOUGH_CREDITS"),
    "15005550003": (5, "REJECTED", 21, "REJECTED_SYSTEM_ERROR"),
}


class InfobipApi(Gateway):
    def __init__(self, behaviour: Behaviour, receipts: ReceiptPost) -> None:
        self.receipts = receipts
        super().__init__(behaviour)

    def forget(self) -> None:
        super().forget()
        self._log: list[tuple[str, Status]] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse | None:
        path, method = request.path, request.method
        if path == "/sms/3/messages" and method == "POST":
            return await self.post(request)
        if method != "GET" or path not in {"/sms/3/logs", "/account/1/balance"}:
            return None
        if not self.is_allowed(request):
            return answer(401, {"errorCode": "E401", "description": "Unauthorized"})
        if path == "/account/1/balance":
            return answer(200, {"balance": 47.79, "currency": "EUR"})
        wanted = request.query.get("messageId", "")
        found = [
            {"messageId": key, "status": _written(status)}
            for key, status in self._log
            if key == wanted
        ]
        return answer(200, {"results": found})

    def is_allowed(self, request: web.BaseRequest) -> bool:
        return request.headers.get("Authorization") == f"App {self.behaviour.token}"

    def take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        try:
            message = json.loads(raw)["messages"][0]
            destination = message["destinations"][0]
            to, key = destination["to"], destination["messageId"]
        except (ValueError, KeyError, IndexError, TypeError):
            return answer(400, {"errorCode": "E400", "description": "Bad request"})
        status = self._status(to, key)
        self._log.append((key, status))
        if status == ACCEPTED:
            message |= {"id": key, "key": key, "to": to}
            message["correlation_id"] = request.headers.get("X-Correlation-ID", "")
            self.messages.append(message)
            self.accepted_by_key[key] += 1
            if self.behaviour.receipts:
                self._report(message)
        taken = {"messageId": key, "destination": to, "status": _written(status)}
        return answer(200, {"bulkId": "bulk-1", "messages": [taken]})

    def _status(self, to: str, key: str) -> Status:
        if self.behaviour.honour_keys and any(known == key for known, _ in self._log):
            self.repeats += 1
            return SEEN_BEFORE
        return REJECTED.get(to, ACCEPTED)

    def _report(self, message: dict[str, Any]) -> None:
        failed = self.dice.hits(self.behaviour.undeliverable_rate)
        report = {
            "messageId": message["key"],
            "to": message["to"],
            "status": _written(UNDELIVERED if failed else DELIVERED),
            "error": {"id": 5 if failed else 0, "name": "EC_ABSENT_SUBSCRIBER"},
            "callbackData": message.get("webhooks", {}).get("callbackData", ""),
        }
        body = json.dumps({"results": [report]}).encode()
        secret = self.behaviour.receipt_secret.encode()
        headers = {
            "Content-Type": "application/json",
            "X-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest(),
        }
        address = urljoin(self.behaviour.receipt_url, "infobip")
        self.receipts.add_written(address, body, headers)


def _written(status: Status) -> dict[str, Any]:
    return dict(zip(("groupId", "groupName", "id", "name"), status, strict=True))
