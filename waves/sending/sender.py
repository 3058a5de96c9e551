"""One sender at work: it starts requests as slots, permits and the last check allow, and passes on
their outcomes.

Everything that touches the database runs in two threads with a connection each: `rows` claims and
records batches, `account` looks after slots, permits and the wave's state. The event loop only
sends. While requests run, the next batch is being claimed and the last recorded; no transaction is
open across the network.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import uvloop

from operations.database.database_thread import DatabaseThread
from waves.choices import Channel, SendState
from waves.messages.rendering import Composer
from waves.providers.contract import EmailMessage, SmsMessage
from waves.providers.outcomes import Kind
from waves.sending.error_watch import ErrorWatch
from waves.sending.permit_supply import PermitSupply
from waves.sending.recorder import Recorder
from waves.sending.row_feed import RowFeed
from waves.sending.run import RunState, SenderSetup
from waves.sending.send_rows import Row
from waves.sending.slot_lease import SlotLease
from waves.suppression import unsubscribe


@dataclass(frozen=True)
class Ended:
    """How a run ended: `why` is empty when nothing was left to send. `counts`: of the messages
    that it is done with, by their states.
    """

    why: str
    counts: Mapping[str, int]
    seconds: float

    @property
    def per_second(self) -> float:
        """Messages that the provider took."""
        sent = self.counts.get(SendState.SENT, 0)
        return round(sent / self.seconds, 1) if self.seconds else 0.0


NOTHING_TO_SEND: Final = Ended("", {}, 0.0)


class WaveSender:
    """Sends one wave's messages on one channel. Several may work on one wave, or on several, in as
    many processes as wanted. [N-2, N-3, N-5, N-6]
    """

    def __init__(self, setup: SenderSetup, composer: Composer) -> None:
        self._setup, self._state = setup, RunState()
        self._written = partial(written, composer, setup.messages.channel)
        self._row_thread, self._account_thread = DatabaseThread("rows"), DatabaseThread("account")
        self._feed = RowFeed(setup, self._state, self._row_thread)
        self._recorder = Recorder(setup, self._state, self._row_thread)
        self._slots = SlotLease(setup, self._state, self._account_thread)
        self._permits = PermitSupply(setup, self._state, self._account_thread, self._feed.left)
        self._errors = ErrorWatch(setup, self._state, self._account_thread)

    async def run(self) -> Ended:
        """Send until nothing is left, the wave or the account is paused, or the error budget is
        spent.
        """
        started = time.monotonic()
        try:
            await self._slots.check()
            await self._work()
        finally:
            for thread in (self._row_thread, self._account_thread):
                await thread.close()
        return Ended(self._state.why, self._recorder.recorded, time.monotonic() - started)

    async def _work(self) -> None:
        provider, limits = self._setup.provider, self._setup.limits
        async with provider.open_session(self._setup.timing.timeout, limits.concurrency) as session:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(work())
                    for work in (self._slots.keep_checking, self._permits.keep_supplied)
                ]
                feeding = group.create_task(self._feed.keep_feeding())
                recording = group.create_task(self._recorder.keep_recording())
                await self._dispatch(group, session)
                await feeding
                await recording
                for helper in helpers:
                    helper.cancel()
            await self._close()

    async def _dispatch(self, group: asyncio.TaskGroup, session: Any) -> None:
        while not self._state.over:
            self._state.changed.clear()
            now = time.monotonic()
            wait = self._until_next_start(now)
            if wait == 0:
                row = self._feed.take()
                self._permits.use()
                self._state.in_flight += 1
                group.create_task(self._send(session, row))
            else:
                await self._state.changed.within(wait)

    def _until_next_start(self, now: float) -> float | None:
        """Seconds until the next request may start: 0 is now, None is not before something
        changes.
        """
        if not self._feed.has_row(now) or not self._slots.allows_start(now):
            return None
        return self._permits.wait(now)

    async def _send(self, session: Any, row: Row) -> None:
        message = self._written(row)
        self._permits.note_start()
        outcome = await self._setup.provider.send(session, message)
        self._state.in_flight -= 1
        self._recorder.add(row, outcome)
        if outcome.kind == Kind.RATE_LIMITED:
            await self._permits.hold_off(outcome.after_seconds)
        else:
            self._errors.note(row, outcome)
        self._state.changed.set()

    async def _close(self) -> None:
        """Nothing is in flight and all is recorded: give back rows that were not started, and the
        slots. An account that is to be paused is.
        """
        await self._feed.give_back()
        await self._errors.reopen_failed(self._row_thread)
        await self._slots.release()
        await self._errors.paused()


def written(composer: Composer, channel: Channel, row: Row) -> SmsMessage | EmailMessage:
    """The message of a row, as the channel's providers get it."""
    fan = row.recipient
    about = composer.about(fan)
    if channel == Channel.SMS:
        return SmsMessage(row.key, row.contact, composer.sms(fan), about)
    email = composer.email(fan)
    return EmailMessage(
        row.key,
        row.contact,
        email.subject,
        email.body,
        email.html,
        about,
        unsubscribe.link(row.key),
    )


def send_all(setup: SenderSetup, composer: Composer) -> Ended:
    """Send the messages of the setup until none is left, or something ends it."""
    return _run(WaveSender(setup, composer).run)


def _run(work: Callable[[], Coroutine[Any, Any, Ended]]) -> Ended:
    """Run on uvloop; a fault in one of the sender's tasks comes out as itself."""
    # objects made so far are not checked for garbage again: saves a fifth of the time per message
    gc.freeze()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
    finally:
        gc.unfreeze()
