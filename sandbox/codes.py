"""The code service: codes that a partner makes and keeps. [K-4]

Every call is a POST with JSON and an `Idempotency-Key`; the same key answers the first result again
(at most 2,500 assignments at once).

    /codes/generate  {"fan", "market"}                       → {"code"}
    /codes/reserve   {"market", "quantity"}                  → {"codes": […]}
    /codes/assign    {"assignments": [{"code", "fan"}, …]}   → {"in", "valid", "updated"}
    /codes/release   {"codes": […]}                          → {"released"}
    /codes/status    {"codes": […]}                          → {"statuses": {code: status}}
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.sms import answer

MOST_AT_ONCE = 2_500
MOST_RESERVED_AT_ONCE = 100_000


@dataclass
class Held:
    """A code's state at the service, and the fan it was given to."""

    state: str
    fan: str = ""


class CodeService:
    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self.calls = 0
        self._answers: dict[str, web.Response] = {}
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "generate": self.generate,
            "reserve": self.reserve,
            "assign": self.assign,
            "release": self.release,
            "status": self.status,
        }

    def counts(self) -> dict[str, int]:
        states = [held.state for held in self.held.values()]
        return {"calls": self.calls} | {
            state: states.count(state) for state in ("available", "reserved", "assigned")
        }

    async def post(self, request: web.BaseRequest, action: str) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return answer(400, {"error": "Idempotency-Key is missing"})
        if key in self._answers:
            first = self._answers[key]
            return web.Response(
                status=first.status, body=first.body, content_type="application/json"
            )
        if action not in self._actions:
            return answer(404, {"error": f"there is no {action}"})
        self.calls += 1
        try:
            result = answer(200, self._actions[action](json.loads(await request.read())))
        except (KeyError, TypeError, ValueError) as error:
            return answer(400, {"error": f"cannot {action}: {error!r}"})
        self._answers[key] = result
        return result

    def _new(self, state: str, fan: str = "") -> str:
        code = f"PARTNER{len(self.held) + 1:08}"
        self.held[code] = Held(state, fan)
        return code

    def generate(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"code": self._new("assigned", asked["fan"])}

    def reserve(self, asked: dict[str, Any]) -> dict[str, Any]:
        quantity = int(asked["quantity"])
        if not 0 < quantity <= MOST_RESERVED_AT_ONCE:
            raise ValueError(f"quantity {quantity} is not between 1 and {MOST_RESERVED_AT_ONCE}")
        return {"codes": [self._new("reserved") for _ in range(quantity)]}

    def assign(self, asked: dict[str, Any]) -> dict[str, Any]:
        assignments = asked["assignments"]
        if len(assignments) > MOST_AT_ONCE:
            raise ValueError(f"{len(assignments)} at once; at most {MOST_AT_ONCE}")
        valid = updated = 0
        for assignment in assignments:
            held = self.held.get(assignment["code"])
            if held is None or held.fan not in {"", assignment["fan"]}:
                continue
            valid += 1
            updated += held.state != "assigned"
            held.state, held.fan = "assigned", assignment["fan"]
        return {"in": len(assignments), "valid": valid, "updated": updated}

    def release(self, asked: dict[str, Any]) -> dict[str, Any]:
        released = 0
        for code in asked["codes"]:
            held = self.held.get(code)
            if held is not None and held.state == "reserved":
                held.state = "available"
                released += 1
        return {"released": released}

    def status(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "statuses": {
                code: self.held[code].state for code in asked["codes"] if code in self.held
            }
        }
