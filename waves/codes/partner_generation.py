"""Codes for many fans at once, each call its own: the code, or why there is none. [K-4, W-3]

The calls run in an event loop in a thread of their own; what came goes to the caller in lists,
through a queue that holds a few: a caller that is slow to keep them is waited for.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Final

import aiohttp
import uvloop

from waves.codes import partner_answers
from waves.codes.partner_answers import BadAnswer
from waves.codes.partner_http import Call, ask, open_session
from waves.errors import BadServiceAnswer, CodeServiceAway, CodeServiceError

LIST: Final = 1_000
WAITING_LISTS: Final = 4
LEAST_UNANSWERED: Final = 20
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Generated:
    """What became of one fan: `code`, or `reason` in plain words."""

    global_user_id: str
    code: str = ""
    reason: str = ""


def generated(
    pairs: Sequence[tuple[str, str]],
    *,
    wave: str,
    number: int,
    url: str,
    token: str,
    seconds: float,
    concurrency: int,
) -> Iterator[list[Generated]]:
    """Lists of outcomes, in the order in which they came. A caller that stops early ends the calls.
    Raises CodeServiceAway or BadServiceAnswer where as many fans one after the other as there are
    calls at once (at least LEAST_UNANSWERED) got no answer, or none that can be right.
    """
    queue: Queue[list[Generated]] = Queue(WAITING_LISTS)
    run = _Run(pairs, wave, number, url, token, seconds, concurrency, queue)
    with ThreadPoolExecutor(1, "code service") as thread:
        # the correlation id of the caller goes along
        calls = thread.submit(contextvars.copy_context().run, run.all)
        try:
            while not (calls.done() and queue.empty()):
                with suppress(Empty):
                    yield queue.get(timeout=LOOK_SECONDS)
            calls.result()
        finally:
            run.stopped.set()


class _Run:
    """The calls of one `generated`."""

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        wave: str,
        number: int,
        url: str,
        token: str,
        seconds: float,
        concurrency: int,
        queue: Queue[list[Generated]],
    ) -> None:
        self.stopped = threading.Event()
        self._pairs = iter(pairs)
        self._wave, self._number = wave, number
        self._url, self._token, self._seconds = url, token, seconds
        self._concurrency, self._queue = concurrency, queue
        self._ready: list[Generated] = []
        self._given: set[str] = set()
        self._unanswered = 0  # fans since the last usable answer

    def all(self) -> None:
        """Until all are asked for, the caller has gone, or the service has."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._ask_unless_stopped())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _ask_unless_stopped(self) -> None:
        calls = asyncio.create_task(self._ask_all())
        while not calls.done():
            await asyncio.wait([calls], timeout=LOOK_SECONDS)
            if self.stopped.is_set():
                calls.cancel()
        if not calls.cancelled():
            calls.result()

    async def _ask_all(self) -> None:
        session = open_session(self._seconds, most_connections=self._concurrency)
        async with session, asyncio.TaskGroup() as tasks:
            for _ in range(self._concurrency):
                tasks.create_task(self._ask_some(session))
        if self._ready:
            await asyncio.to_thread(self._put, self._ready)

    async def _ask_some(self, session: aiohttp.ClientSession) -> None:
        for fan, market_id in self._pairs:
            # first the answer: a list that is full meanwhile is no longer the one to add to
            outcome = await self._ask_one(session, fan, market_id)
            self._ready.append(outcome)
            if len(self._ready) >= LIST:
                full, self._ready = self._ready, []
                await asyncio.to_thread(self._put, full)

    async def _ask_one(self, session: aiohttp.ClientSession, fan: str, market_id: str) -> Generated:
        call = Call(
            "generate",
            {"wave": self._wave, "fan": fan, "market": market_id},
            (self._wave, market_id, fan, str(self._number)),
            "The code service could not generate a code",
        )
        try:
            answer = await ask(session, self._url, call, seconds=self._seconds, token=self._token)
            code = partner_answers.generated(answer)
        except BadAnswer as bad:
            return self._without_answer(fan, BadServiceAnswer(f"{call.failure} ({bad})."))
        except (CodeServiceAway, BadServiceAnswer) as error:
            return self._without_answer(fan, error)
        except CodeServiceError as error:
            self._unanswered = 0
            return Generated(fan, reason=str(error))
        self._unanswered = 0
        if code.upper() in self._given:
            return Generated(fan, reason="The code service gave this fan another fan's code.")
        self._given.add(code.upper())
        return Generated(fan, code=code)

    def _without_answer(self, fan: str, error: CodeServiceAway | BadServiceAnswer) -> Generated:
        self._unanswered += 1
        if self._unanswered >= max(self._concurrency, LEAST_UNANSWERED):
            raise type(error)(
                f"Wave {self._wave}: the code service gave no usable answer for"
                f" {self._unanswered} fans one after the other. {error}"
            ) from error
        return Generated(fan, reason=str(error))

    def _put(self, found: list[Generated]) -> None:
        """Wait for room in the queue, but not for a caller that has gone."""
        while not self.stopped.is_set():
            with suppress(Full):
                self._queue.put(found, timeout=LOOK_SECONDS)
                return
