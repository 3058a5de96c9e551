"""One sender at work: rows are fed to it, it starts requests as seat and permits allow, and hands
over what became of them.

Everything that touches the database runs in two threads with a connection each: `rows` claims and
records batches, `account` looks after seat, permits and the wave's state. The event loop only
sends. While requests run, the next batch is being claimed and the last recorded; no transaction is
open across the network.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import aiohttp
from django.db import connections

from waves.choices import WaveState
from waves.messages.rendering import Composer, Reader
from waves.models import Wave
from waves.providers.contract import SmsMessage, SmsProvider
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import open_session
from waves.sending import accounts, pacing, results, send_rows
from waves.sending.accounts import Limits
from waves.sending.pacing import Decision
from waves.sending.send_rows import Row

T = TypeVar("T")
GO_SECONDS = 1.5  # no request starts on a look at the wave's state that is older than this [N-6]
FEED_SECONDS = 0.02
RECORD_SECONDS = 0.1
IDLE_SECONDS = 0.1
MOST_CLAIMED = 1_000
# failed ones are sent again after completion [N-7]
SENDING_STATES = (WaveState.TRIGGERED, WaveState.COMPLETED)


@dataclass(frozen=True)
class Timing:
    """How long a request may take, how often the sender looks up, and when a silent one counts as
    dead (seconds).
    """

    timeout: float = 10.0
    look: float = 0.25
    row_lease: float = 60.0

    @property
    def seat_lease(self) -> float:
        """So long that a dead sender's slots are free only when its last request is over."""
        return GO_SECONDS + self.timeout + 0.5


@dataclass(frozen=True)
class Ended:
    """How a run ended: `why` is empty when nothing was left to send."""

    why: str
    sent: int
    seconds: float


class WaveSender:
    """Sends one wave's SMS. Several may work on one wave, or on several, in as many processes as
    wanted. [N-2, N-3, N-6]
    """

    def __init__(
        self, wave: Wave, provider: SmsProvider, composer: Composer, limits: Limits, timing: Timing
    ) -> None:
        self.id = uuid.uuid4()
        self._wave, self._provider, self._composer = wave, provider, composer
        self._limits, self._timing = limits, timing
        # claimed, with the moment after which they are not started
        self._rows: deque[tuple[Row, float]] = deque()
        self._late: list[Row] = []  # never started, because the lease would have run out under way
        self._outcomes: list[tuple[Row, Outcome]] = []
        self._failed_of_late: deque[int] = deque(maxlen=pacing.BUDGET_ATTEMPTS)
        self._permits = self._next_permits = pacing.NO_PERMITS
        self._clock = pacing.ClockBounds()
        self._budget = pacing.ErrorBudget()
        self._slots = self._in_flight = self._unrecorded = self._sent = self._last_claimed = 0
        self._go_until = self._held_until = 0.0
        self._over = self._fed = False
        self._why = ""
        self._changed, self._permits_wanted = asyncio.Event(), asyncio.Event()
        self._row_thread, self._account_thread = (
            ThreadPoolExecutor(1, "rows"),
            ThreadPoolExecutor(1, "account"),
        )

    async def run(self) -> Ended:
        """Send until nothing is left, the wave or the account is paused, or the error budget is
        spent.
        """
        started = time.monotonic()
        try:
            await self._look()
            await self._work()
        finally:
            for thread in (self._row_thread, self._account_thread):
                await asyncio.get_running_loop().run_in_executor(thread, connections.close_all)
                thread.shutdown()
        return Ended(self._why, self._sent, time.monotonic() - started)

    async def _work(self) -> None:
        async with open_session(self._timing.timeout) as session:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(work()) for work in (self._keep_looking, self._keep_permits)
                ]
                feeding = group.create_task(self._feed())
                recording = group.create_task(self._record())
                await self._dispatch(group, session)
                await feeding
                await recording
                for helper in helpers:
                    helper.cancel()
            await self._close()

    # Starting requests

    async def _dispatch(self, group: asyncio.TaskGroup, session: aiohttp.ClientSession) -> None:
        while not self._over:
            wait = self._until_next_start(time.monotonic())
            if wait is None:
                self._changed.clear()
                await self._changed.wait()
            elif wait > 0:
                await asyncio.sleep(min(wait, self._timing.look))
            else:
                row, _ = self._rows.popleft()
                self._permits = self._permits.rest()
                self._in_flight += 1
                group.create_task(self._send(session, row))

    def _until_next_start(self, now: float) -> float | None:
        """Seconds until the next request may start: 0 is now, None is not before something changes."""
        while self._rows and self._rows[0][1] < now:
            self._late.append(self._rows.popleft()[0])
        if not self._rows or self._in_flight >= self._slots or now >= self._go_until:
            return None
        self._permits = self._permits.fresh(now)
        if not self._permits.count:
            self._permits, self._next_permits = self._next_permits.fresh(now), pacing.NO_PERMITS
        if (
            not self._next_permits.count
            and self._permits.count * self._permits.spacing < pacing.BLOCK_SECONDS / 2
        ):
            self._permits_wanted.set()
        return self._permits.wait(now) if self._permits.count else None

    async def _send(self, session: aiohttp.ClientSession, row: Row) -> None:
        text = self._composer.sms(Reader(row.market, row.global_user_id, row.code))
        outcome = await self._provider.send(session, SmsMessage(row.key, row.phone, text))
        self._in_flight -= 1
        self._unrecorded += 1
        self._outcomes.append((row, outcome))
        if outcome.kind == Kind.RATE_LIMITED:
            await self._hold_off(outcome.after_seconds)
        else:
            self._judge(row, outcome)
        self._changed.set()

    def _judge(self, row: Row, outcome: Outcome) -> None:
        now = time.monotonic()
        self._budget.note(now, failed=outcome.kind != Kind.SENT)
        if outcome.kind == Kind.RETRY_LATER:
            self._failed_of_late.append(row.id)
        if outcome.kind != Kind.SENT and not self._over and self._budget.exhausted(now):
            self._end(
                f"More than half of the last attempts failed, the last one with {outcome.reason}"
            )
            self._account_thread.submit(accounts.pause, self._provider.name, self._why)

    # Seat, permits and the wave's state

    async def _look(self) -> None:
        """Renew the seat and see whether sending may go on. [N-2, N-6]"""
        asked, in_flight = time.monotonic(), self._in_flight
        seat, state, digest = await self._in(self._account_thread, self._ask, in_flight)
        self._slots = seat.slots
        if seat.paused:
            self._end(f"{self._provider.name} is paused: {seat.paused}")
        elif state not in SENDING_STATES:
            self._end(f"the wave is {state}")
        elif digest != self._wave.content_digest:
            self._end("the wave's content changed")
        else:
            self._go_until = asked + GO_SECONDS
        self._changed.set()

    def _ask(self, in_flight: int) -> tuple[accounts.Seat, str, str]:
        lease = timedelta(seconds=self._timing.seat_lease)
        name, wave = self._provider.name, self._wave.pk
        seat = accounts.take_seat(
            name, self.id, wave, limits=self._limits, in_flight=in_flight, lease=lease
        )
        state, digest = Wave.objects.filter(pk=wave).values_list("state", "content_digest").get()
        return seat, state, digest

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._timing.look)
            await self._look()

    async def _keep_permits(self) -> None:
        while True:
            await self._permits_wanted.wait()
            wanted = len(self._rows) if self._fed else None
            name, per_second = self._provider.name, self._limits.per_second
            grant = await self._in(
                self._account_thread,
                accounts.take_permits,
                name,
                per_second=per_second,
                wanted=wanted,
            )
            self._permits_wanted.clear()
            if grant is not None:
                self._clock = self._clock.narrowed(grant.before, grant.database_now, grant.after)
                self._next_permits = pacing.Permits(
                    self._clock.latest(grant.first), pacing.spacing(per_second), grant.count
                )
                self._changed.set()

    async def _hold_off(self, seconds: float) -> None:
        """The provider asked for patience: every worker waits, by the account's row; this one at
        once. [N-3]
        """
        until = time.monotonic() + seconds
        if until - self._held_until < max(seconds / 2, FEED_SECONDS):
            return  # another answer of the same moment has seen to it
        self._held_until = until
        self._permits = self._next_permits = pacing.NO_PERMITS
        await self._in(self._account_thread, accounts.hold_off, self._provider.name, seconds)

    # Rows in, outcomes out

    async def _feed(self) -> None:
        while not self._over:
            if self._late:
                late, self._late = self._late, []
                await self._in(self._row_thread, send_rows.release, self.id, late)
            room = self._room()
            if not room:
                await asyncio.sleep(FEED_SECONDS)
                continue
            until = time.monotonic() + self._timing.row_lease - self._timing.timeout
            rows = await self._in(self._row_thread, self._claim, room)
            self._rows.extend((row, until) for row in rows)
            self._changed.set()
            self._fed = len(rows) < room
            if not rows:
                await self._idle()

    def _room(self) -> int:
        """How many rows to claim now: a second's worth ahead. But where keys mean nothing no more
        than may be in flight stand in `sending`, recorded outcomes aside: so many become unknown if
        we are killed. [N-4]
        """
        if not self._provider.honours_keys:
            return max(0, self._slots - len(self._rows) - self._in_flight - self._unrecorded)
        batch = max(10, min(MOST_CLAIMED, self._limits.per_second))
        return batch if len(self._rows) <= batch // 2 else 0

    def _claim(self, limit: int) -> list[Row]:
        """The next rows in order of id; from the start again when the end is reached, for those
        that wait for another try.
        """
        lease = timedelta(seconds=self._timing.row_lease)
        rows = send_rows.claim(
            self._wave.pk, self.id, after=self._last_claimed, limit=limit, lease=lease
        )
        self._last_claimed = rows[-1].id if len(rows) == limit else 0
        return rows

    async def _idle(self) -> None:
        """Nothing to claim: see to dead senders' rows, and whether anything is left at all."""
        honours_keys, wave = self._provider.honours_keys, self._wave.pk
        await self._in(self._row_thread, send_rows.take_over, wave, honours_keys=honours_keys)
        if not await self._in(self._row_thread, results.open_sms, wave):
            self._end("")
        else:
            await asyncio.sleep(IDLE_SECONDS)

    async def _record(self) -> None:
        while not (self._over and not self._in_flight and not self._outcomes):
            await asyncio.sleep(RECORD_SECONDS if self._provider.honours_keys else FEED_SECONDS)
            if self._outcomes:
                batch, self._outcomes = self._outcomes, []
                await self._in(self._row_thread, self._write, batch)
                self._unrecorded -= len(batch)

    def _write(self, batch: list[tuple[Row, Outcome]]) -> None:
        sent = [(row, outcome.provider_id) for row, outcome in batch if outcome.kind == Kind.SENT]
        rest = [
            (row, self._decided(row, outcome))
            for row, outcome in batch
            if outcome.kind != Kind.SENT
        ]
        if sent:
            self._sent += send_rows.record_sent(self.id, sent)
        if rest:
            send_rows.record_rest(self.id, rest)

    def _decided(self, row: Row, outcome: Outcome) -> Decision:
        return pacing.decide(
            outcome,
            tries=row.attempts - 1,
            maybe_accepted=row.maybe_accepted,
            honours_keys=self._provider.honours_keys,
            chance=random.random(),  # noqa: S311 spreads retries, guards nothing
        )

    def _end(self, why: str) -> None:
        if not self._over:
            self._over, self._why = True, why
            self._changed.set()

    async def _close(self) -> None:
        """Nothing is in flight and all is recorded: give back what was never started, and the seat."""
        left = self._late + [row for row, _ in self._rows]
        await self._in(self._row_thread, send_rows.release, self.id, left)
        if self._why:
            await self._in(self._row_thread, send_rows.back_to_pending, list(self._failed_of_late))
        await self._in(self._account_thread, accounts.leave_seat, self._provider.name, self.id)

    async def _in(
        self, thread: ThreadPoolExecutor, work: Callable[..., T], *values: Any, **options: Any
    ) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            thread, partial(work, *values, **options)
        )
