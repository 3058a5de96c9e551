"""The client of a partner's code service: reserve for a market, generate for fans, assign, release,
look up. [K-4] Its contract is docs/code-service.md.

`generate_many` is for uploaded waves: many fans at the allowed concurrency, each outcome its own.

    for outcomes in partner_service.generate_many(pairs, wave=wave.name, number=call.number):
        ...  # a list of Generated(global_user_id, code, reason), in any order

`pairs` are (global_user_id, market_id). The calls go on in a thread of their own while the caller
keeps what came. Either `code` or `reason` (plain words) is there. The same fan of the same wave,
market and number gets the same code however often it is asked for, so after a crash all is simply
asked for again. A code that went back is not asked for again: the next batch has another number.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from operations.plurals import plural
from waves.codes import partner_answers
from waves.codes.partner_answers import AssignedThere, BadAnswer
from waves.codes.partner_generation import Generated, generated
from waves.codes.partner_http import Call, ask, open_session
from waves.errors import BadServiceAnswer, CodeServiceError

MOST_AT_ONCE: Final = 2_500


@dataclass(frozen=True)
class CodeService:
    """One partner's service. `seconds`: of one call with its repeats; `concurrency`: calls at once
    while codes are generated.
    """

    url: str
    token: str = ""
    seconds: float = 60.0
    concurrency: int = 50

    def reserve(self, *, wave: str, market_id: str, number: int, quantity: int) -> list[str]:
        """At most `quantity` codes for one market of a wave, fewer where there are no more. The
        same ones when batch `number` is asked for again. Raises CodeServiceError.
        """
        call = Call(
            "reserve",
            {"wave": wave, "market": market_id, "quantity": quantity},
            (wave, market_id, str(number)),
            f"Wave {wave}, market {market_id}: the code service could not reserve"
            f" {plural(quantity, 'code')}",
        )
        answer = self._ask(call)
        try:
            return partner_answers.reserved(answer, most=quantity)
        except BadAnswer as bad:
            raise BadServiceAnswer(f"{call.failure} ({bad}).", bad.codes) from bad

    def assign(self, *, wave: str, number: int, pairs: Sequence[tuple[str, str]]) -> AssignedThere:
        """Bind at most MOST_AT_ONCE codes to their fans: (code, fan). `number` tells this batch
        from the others of its wave. Raises CodeServiceError.
        """
        asked = [{"code": code, "fan": fan} for code, fan in pairs]
        call = Call(
            "assign",
            {"wave": wave, "assignments": asked},
            (wave, str(number), _digest(asked)),
            f"Wave {wave}: the code service could not assign {plural(len(asked), 'code')}",
        )
        answer = self._ask(call)
        try:
            return partner_answers.assigned(answer, asked=len(asked))
        except BadAnswer as bad:
            raise BadServiceAnswer(f"{call.failure} ({bad}).") from bad

    def release(self, *, codes: Sequence[str], purpose: str) -> int:
        """Give back at most MOST_AT_ONCE reserved codes; how many were taken back. Raises
        CodeServiceError.
        """
        call = Call(
            "release",
            {"codes": list(codes)},
            (purpose, _digest(list(codes))),
            f"The code service could not release {plural(len(codes), 'code')}",
        )
        answer = self._ask(call)
        try:
            return partner_answers.released(answer, asked=len(codes))
        except BadAnswer as bad:
            raise BadServiceAnswer(f"{call.failure} ({bad}).") from bad

    def states(self, *, codes: Sequence[str], asked_at: str) -> dict[str, str]:
        """The state of each of at most MOST_AT_ONCE codes that the service knows; `asked_at` tells
        this question from earlier ones. Raises CodeServiceError.
        """
        call = Call(
            "status",
            {"codes": list(codes)},
            (asked_at, _digest(list(codes))),
            f"The code service could not look up {plural(len(codes), 'code')}",
        )
        answer = self._ask(call)
        try:
            return partner_answers.states(answer, asked=codes)
        except BadAnswer as bad:
            raise BadServiceAnswer(f"{call.failure} ({bad}).") from bad

    def _ask(self, call: Call) -> Any:
        async def once() -> Any:
            async with open_session(self.seconds) as session:
                return await ask(session, self.url, call, seconds=self.seconds, token=self.token)

        return asyncio.run(once())


def chosen() -> CodeService | None:
    """The service at CODE_SERVICE_URL, if one is set."""
    if not settings.CODE_SERVICE_URL:
        return None
    return CodeService(
        settings.CODE_SERVICE_URL.rstrip("/"),
        settings.CODE_SERVICE_TOKEN,
        float(settings.CODE_SERVICE_SECONDS),
        settings.CODE_SERVICE_CONCURRENCY,
    )


def required() -> CodeService:
    """The same. Raises CodeServiceError where none is set."""
    service = chosen()
    if service is None:
        raise CodeServiceError(
            "There is no code service: CODE_SERVICE_URL is not set. Set it, or use own codes."
        )
    return service


def generate_many(
    pairs: Sequence[tuple[str, str]], *, wave: str, number: int, service: CodeService | None = None
) -> Iterator[list[Generated]]:
    """A code for each (global_user_id, market_id): see the module's docstring. Raises
    CodeServiceAway where the service answers nobody any more (a job is then retried), and
    CodeServiceError where none is set.
    """
    using = service or required()
    return generated(
        pairs,
        wave=wave,
        number=number,
        url=using.url,
        token=using.token,
        seconds=using.seconds,
        concurrency=using.concurrency,
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
