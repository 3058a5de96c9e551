"""A sender's slots in the account, renewed while it checks that account and wave still allow
sending. [N-2, N-6]
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from operations.database.database_thread import DatabaseThread
from waves.sending import accounts
from waves.sending.accounts import SenderSlots
from waves.sending.run import CHECK_VALID_SECONDS, RunState, SenderSetup


class SlotLease:
    """Says how many requests may be in flight, and until when the last check allows new ones."""

    def __init__(self, setup: SenderSetup, state: RunState, thread: DatabaseThread) -> None:
        self._setup, self._state, self._thread = setup, state, thread
        self._start_until = 0.0

    def allows_start(self, now: float) -> bool:
        """Whether a slot is free and the last check is recent enough. [N-2, N-6]"""
        return self._state.in_flight < self._state.slots and now < self._start_until

    async def check(self) -> None:
        """Renew the slots; end the run where the account is paused, or the wave is not to be sent
        any more. [N-2, N-6]
        """
        asked, in_flight = time.monotonic(), self._state.in_flight
        slots, why = await self._thread.run(self._renew, in_flight)
        self._state.slots = slots.count
        if slots.paused:
            self._state.end(f"{self._setup.provider.name} is stopped: {slots.paused}")
        elif why:
            self._state.end(why)
        else:
            self._start_until = asked + CHECK_VALID_SECONDS
        self._state.changed.set()
        self._state.room.set()

    async def keep_checking(self) -> None:
        """Check at each interval until cancelled."""
        while True:
            await asyncio.sleep(self._setup.timing.check_every)
            await self.check()

    async def release(self) -> None:
        """Give the slots back; nothing is in flight any more."""
        await self._thread.run(
            accounts.release_slots, self._setup.provider.name, self._setup.sender
        )

    def _renew(self, in_flight: int) -> tuple[SenderSlots, str]:
        wave = self._setup.wave
        slots = accounts.take_slots(
            self._setup.provider.name,
            self._setup.sender,
            wave.pk,
            limits=self._setup.limits,
            in_flight=in_flight,
            lease=timedelta(seconds=self._setup.timing.slot_lease),
        )
        return slots, self._setup.stops(wave)
