"""Postmark's API for one e-mail, as its documentation describes it: `POST /postmark/email` with the
sandbox's token in `X-Postmark-Server-Token` and JSON `From, To, Subject, TextBody, HtmlBody,
Metadata` answers 200 `{"ErrorCode": 0, "MessageID": …}`. A recipient at `inactive.example` is error
406. It keeps no keys: whatever comes twice is accepted twice.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import web

from sandbox.gateway import Gateway, answer

ADDRESS = "/postmark/email"
INACTIVE = "@inactive.example"


class PostmarkApi(Gateway):
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse | None:
        if request.path == ADDRESS and request.method == "POST":
            return await self.post(request)
        return None

    def is_allowed(self, request: web.BaseRequest) -> bool:
        return request.headers.get("X-Postmark-Server-Token") == self.behaviour.token

    def take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        try:
            message: dict[str, Any] = json.loads(raw)
            to, key = message["To"], message.get("Metadata", {}).get("key", "")
        except (ValueError, KeyError, AttributeError):
            return answer(422, {"ErrorCode": 402, "Message": "Invalid JSON"})
        if to.endswith(INACTIVE):
            inactive = (
                f"Found inactive addresses: {to}.\nInactive recipients are ones that bounced."
            )
            return answer(422, {"ErrorCode": 406, "Message": inactive})
        message |= {"id": str(uuid.UUID(int=len(self.messages) + 1)), "key": key}
        self.messages.append(message)
        self.accepted_by_key[key] += 1
        found = {"To": to, "MessageID": message["id"], "ErrorCode": 0, "Message": "OK"}
        return answer(200, found)
