"""What a provider posts to `/receipts/NAME`, as its reader gets it, and as its door does."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from django.http.request import HttpHeaders

from waves.providers.posted import Posted

ADDRESS = "https://presale.example/receipts/sms_http"


def posted(body: bytes, *, address: str = ADDRESS, **headers: str) -> Posted:
    """A request with these headers, `_` for `-`; JSON unless they say otherwise."""
    given = {"CONTENT_TYPE": "application/json"} | {
        name.upper(): value for name, value in headers.items()
    }
    environ = {
        name if name.startswith("CONTENT_") else f"HTTP_{name}": value
        for name, value in given.items()
        if value
    }
    return Posted(HttpHeaders(environ), body, address)


def gateway_signature(body: bytes, *, secret: str = "sandbox", at: float | None = None) -> str:  # noqa: S107
    """As the SMS gateway signs, in X-Signature."""
    stamp = int(at if at is not None else time.time())
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac}"


def signed(body: bytes, **how: Any) -> dict[str, Any]:
    """Arguments of a test client's post to `/receipts/sms_http`."""
    return {
        "data": body,
        "content_type": "application/json",
        "headers": {"X-Signature": gateway_signature(body, **how)},
    }
