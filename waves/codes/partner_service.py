"""A partner's codes over HTTP: generate, reserve, assign, release, status. [K-4]

Every call may be repeated: its idempotency key is made from what it is for, so that asking again
after a cut connection gets the first answer. The calls are few and large, so they are plain and
synchronous.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

from waves.errors import CodesExhausted

TIMEOUT_SECONDS: Final = 30.0
TRIES: Final = 3
MOST_AT_ONCE: Final = 2_500


class CodeServiceError(CodesExhausted):
    """The code service refused a call or cannot be reached; the message says which call and why.
    [K-4]
    """


class CodeService:
    """One partner's service at `url`."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds

    def generate(self, *, wave: str, global_user_id: str, market_id: str) -> str:
        """The code of one fan in one wave. Raises CodeServiceError."""
        asked = {"fan": global_user_id, "market": market_id}
        return str(self._call("generate", asked, purpose=(wave, global_user_id))["code"])

    def reserve(self, *, wave: str, market_id: str, quantity: int) -> list[str]:
        """`quantity` codes for one market of a wave; the same ones when asked again. Raises
        CodeServiceError.
        """
        asked = {"market": market_id, "quantity": quantity}
        codes = [
            str(code)
            for code in self._call("reserve", asked, purpose=(wave, market_id, str(quantity)))[
                "codes"
            ]
        ]
        if len(set(codes)) != quantity:
            raise CodeServiceError(
                f"The code service returned {len(set(codes))} instead of {quantity} codes for"
                f" market {market_id} of wave {wave}."
            )
        return codes

    def assign(self, *, wave: str, assignments: Sequence[tuple[str, str]]) -> dict[str, int]:
        """(code, fan) pairs, in calls of 2,500. Returns `{in, valid, updated}` over all. Raises
        CodeServiceError.
        """
        total = {"in": 0, "valid": 0, "updated": 0}
        for first in range(0, len(assignments), MOST_AT_ONCE):
            pairs = [
                {"code": code, "fan": fan}
                for code, fan in assignments[first : first + MOST_AT_ONCE]
            ]
            answer = self._call("assign", {"assignments": pairs}, purpose=(wave, _digest(pairs)))
            total = {name: count + int(answer[name]) for name, count in total.items()}
        return total

    def release(self, *, wave: str, codes: Sequence[str]) -> int:
        """Give reserved codes back; how many were taken back. Raises CodeServiceError."""
        return int(
            self._call("release", {"codes": list(codes)}, purpose=(wave, _digest(list(codes))))[
                "released"
            ]
        )

    def status(self, *, codes: Sequence[str], asked_at: str) -> dict[str, str]:
        """The state of each code the service knows; `asked_at` tells this question from earlier
        ones.
        """
        answer = self._call(
            "status", {"codes": list(codes)}, purpose=(asked_at, _digest(list(codes)))
        )
        return {str(code): str(state) for code, state in answer["statuses"].items()}

    def _call(
        self, action: str, asked: Mapping[str, Any], *, purpose: tuple[str, ...]
    ) -> dict[str, Any]:
        key = hashlib.sha256("\x1f".join((action, *purpose)).encode()).hexdigest()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        request = urllib.request.Request(  # noqa: S310 the setting is checked to be http or https
            f"{self._url}/codes/{action}", json.dumps(asked).encode(), headers
        )
        cause: Exception | None = None
        for _ in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=self._timeout_seconds) as response:  # noqa: S310
                    answer: dict[str, Any] = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                cause = error
                if error.code < 500:
                    break
            except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
                cause = error
        raise CodeServiceError(
            f"The code service could not {action} codes ({cause}). Check CODE_SERVICE_URL"
            " and try again."
        ) from cause


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
