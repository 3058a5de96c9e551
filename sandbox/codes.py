"""The code service: codes that a partner makes and keeps. Its contract is docs/code-service.md.
[K-4]

Every call is a POST with JSON and an `Idempotency-Key`; the same key answers the first result
again, and is a 422 with another body.

    /codes/generate  {"wave", "fan", "market"}                       → {"code"}
    /codes/reserve   {"wave", "market", "quantity"}                  → {"codes": […]}
    /codes/assign    {"wave", "assignments": [{"code", "fan"}, …]}   → {"in", "valid", "updated"}
    /codes/release   {"codes": […]}                                  → {"released"}
    /codes/status    {"codes": […]}                                  → {"statuses": {code: state}}

It misbehaves as `code_faults` says (behaviour.py): {"reserve": "slow", "assign": "503:2"} for an
action, with a number for the first calls only.

    a status    refused with it, nothing is done    slow       done, answered much later
    drop        done, the connection is cut         short      done for half of what was asked
    nonsense    answers another shape               duplicate  gives codes that it gave before
    control     gives codes with a line feed        huge       answers more than anybody reads
    page        done, a page is answered instead
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.behaviour import Behaviour
from sandbox.gateway import answer

MOST_AT_ONCE = 2_500
HUGE_BYTES = 50_000_000


@dataclass
class Held:
    """A code's state at the service, and the fan it was given to."""

    state: str
    fan: str = ""


class CodeService:
    """With a `codes_file` it knows after a restart what it knew before: every call that changed
    something stands there, and is done again. Two that write to one file, for other waves, give no
    code twice: a code is made from its wave, and counted within it.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.held: dict[str, Held] = {}
        self._made = Counter[str]()  # codes of each wave
        self.calls = 0
        self._free: deque[str] = deque()  # given back, and given again before new ones are made
        self._answers: dict[str, tuple[bytes, bytes]] = {}  # key → body that was asked, answer
        self._faulty: dict[tuple[str, str], int] = {}
        self._actions: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
            "generate": self.generate,
            "reserve": self.reserve,
            "assign": self.assign,
            "release": self.release,
            "status": self.status,
        }
        self._file = Path(behaviour.codes_file) if behaviour.codes_file else None
        if self._file and self._file.exists():
            for line in self._file.read_text().splitlines():
                action, key, body, fault = json.loads(line)
                self._done(action, key, body.encode(), fault)

    def counts(self) -> dict[str, int]:
        states = [held.state for held in self.held.values()]
        return {"calls": self.calls} | {
            state: states.count(state) for state in ("available", "reserved", "assigned")
        }

    async def post(self, request: web.BaseRequest, action: str) -> web.Response:
        body, key = await request.read(), request.headers.get("Idempotency-Key", "")
        self.calls += 1
        fault = self._fault(action)
        response = self._answer(request, action, key, body, fault)
        slow = self.behaviour.code_slow_seconds if fault == "slow" else 0.0
        await asyncio.sleep(self.behaviour.latency_ms / 1000 + slow)
        if fault == "drop" and request.transport is not None:
            request.transport.abort()
        if fault == "page":
            return web.Response(text="<html>Please wait</html>", content_type="text/html")
        if fault == "huge":
            return web.Response(body=b'{"codes": "' + b"x" * HUGE_BYTES, content_type="text/json")
        return response

    def _answer(
        self, request: web.BaseRequest, action: str, key: str, body: bytes, fault: str
    ) -> web.Response:
        token = self.behaviour.code_token
        if token and request.headers.get("Authorization") != f"Bearer {token}":
            return answer(401, {"error": "bad token"})
        if fault.isdigit():
            patience = self.behaviour.retry_after_seconds
            headers = {"Retry-After": f"{patience:g}"} if fault in {"429", "503"} else None
            return answer(int(fault), {"error": "told to fail"}, headers)
        if not key:
            return answer(400, {"error": "Idempotency-Key is missing"})
        if action not in self._actions:
            return answer(404, {"error": f"there is no {action}"})
        if key in self._answers:
            asked, first = self._answers[key]
            if asked != body:
                return answer(422, {"error": "this key was used with another body"})
            return web.Response(body=first, content_type="application/json")
        try:
            found = self.carry_out(action, key, body, fault)
        except (KeyError, TypeError, ValueError) as error:
            return answer(400, {"error": f"cannot {action}: {error!r}"})
        return web.Response(body=found, content_type="application/json")

    def carry_out(self, action: str, key: str, body: bytes, fault: str = "") -> bytes:
        """Do a call that is new, and write it down. Raises KeyError, TypeError or ValueError where
        the body cannot be understood.
        """
        found = self._done(action, key, body, fault)
        if self._file and action != "status":
            with self._file.open("a") as file:
                file.write(json.dumps([action, key, body.decode(), fault]) + "\n")
        return found

    def _done(self, action: str, key: str, body: bytes, fault: str) -> bytes:
        result = self._actions[action](json.loads(body), fault)
        found = json.dumps({"codes": 7} if fault == "nonsense" else result).encode()
        self._answers[key] = body, found
        return found

    def _fault(self, action: str) -> str:
        """The fault of this call, or none any more."""
        said = self.behaviour.code_faults.get(action, "")
        fault, _, most = said.partition(":")
        self._faulty[action, said] = self._faulty.get((action, said), 0) + 1
        return fault if not most or self._faulty[action, said] <= int(most) else ""

    def _new(self, wave: str, fan: str = "") -> str | None:
        """A reserved code; none where the stock is used up."""
        if self._free:
            code = self._free.popleft()
        elif self.behaviour.code_stock and len(self.held) >= self.behaviour.code_stock:
            return None
        else:
            self._made[wave] += 1
            code = f"PARTNER{zlib.crc32(wave.encode()):08X}{self._made[wave]:06}"
        self.held[code] = Held("reserved", fan)
        return code

    def generate(self, asked: dict[str, Any], fault: str) -> dict[str, Any]:
        wave, fan = str(asked["wave"]), str(asked["fan"])
        given = next(iter(self.held), None) if fault == "duplicate" else None
        code = given or self._new(wave, fan)
        if code is None:
            raise ValueError("there are no more codes")
        return {"code": code + "\n" if fault == "control" else code}

    def reserve(self, asked: dict[str, Any], fault: str) -> dict[str, Any]:
        wave, quantity = str(asked["wave"]), int(asked["quantity"])
        if not 0 < quantity <= MOST_AT_ONCE:
            raise ValueError(f"quantity {quantity} is not between 1 and {MOST_AT_ONCE}")
        if fault == "duplicate":
            return {"codes": list(self.held)[:quantity]}
        wanted = quantity // 2 if fault == "short" else quantity
        made = [self._new(wave) for _ in range(wanted)]
        codes = [code for code in made if code is not None]
        return {"codes": [f"{code}\n" for code in codes] if fault == "control" else codes}

    def assign(self, asked: dict[str, Any], fault: str) -> dict[str, Any]:
        assignments = asked["assignments"]
        if len(assignments) > MOST_AT_ONCE:
            raise ValueError(f"{len(assignments)} at once; at most {MOST_AT_ONCE}")
        valid = updated = 0
        known = assignments[: len(assignments) // 2] if fault == "short" else assignments
        for assignment in known:
            held = self.held.get(assignment["code"])
            if held is None or held.state == "available" or held.fan not in {"", assignment["fan"]}:
                continue
            valid += 1
            updated += held.state != "assigned"
            held.state, held.fan = "assigned", assignment["fan"]
        return {"in": len(assignments), "valid": valid, "updated": updated}

    def release(self, asked: dict[str, Any], fault: str) -> dict[str, Any]:
        released = 0
        for code in asked["codes"]:
            held = self.held.get(code)
            if held is not None and held.state == "reserved":
                self.held[code] = Held("available")
                self._free.append(code)
                released += 1
        return {"released": released}

    def status(self, asked: dict[str, Any], fault: str) -> dict[str, Any]:
        return {
            "statuses": {
                code: self.held[code].state for code in asked["codes"] if code in self.held
            }
        }
