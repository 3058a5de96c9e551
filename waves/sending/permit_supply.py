"""The permits of a sender: blocks of instants at which a request may start, taken ahead from the
account. [N-2, N-3]
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from waves.sending import accounts, pacing
from waves.sending.database_thread import DatabaseThread
from waves.sending.run import RunState, SenderSetup

LEAST_HOLD_OFF_SECONDS = 0.02


class PermitSupply:
    """The block of permits in use and the next one. `rows_left` says how many rows are left to
    start, None while that is unknown: the last block is no larger.
    """

    def __init__(
        self,
        setup: SenderSetup,
        state: RunState,
        thread: DatabaseThread,
        rows_left: Callable[[], int | None],
    ) -> None:
        self._setup, self._state, self._thread = setup, state, thread
        self._rows_left = rows_left
        self._current = self._next = pacing.NO_PERMITS
        self._clock = pacing.ClockBounds()
        self._held_until = 0.0
        self._wanted = asyncio.Event()

    def wait(self, now: float) -> float | None:
        """Seconds until the next permit may be used: 0 is now, None is not before the next
        block.
        """
        self._current = self._current.fresh(now)
        if not self._current.count:
            self._current, self._next = self._next.fresh(now), pacing.NO_PERMITS
        if (
            not self._next.count
            and self._current.count * self._current.spacing < pacing.BLOCK_SECONDS / 2
        ):
            self._wanted.set()
        return self._current.wait(now) if self._current.count else None

    def use(self) -> None:
        """A request starts."""
        self._current = self._current.rest()

    async def keep_supplied(self) -> None:
        """Take the next block whenever one is wanted, until cancelled."""
        name, per_second = self._setup.provider.name, self._setup.limits.per_second
        while True:
            await self._wanted.wait()
            grant = await self._thread.run(
                accounts.take_permits, name, per_second=per_second, wanted=self._rows_left()
            )
            self._wanted.clear()
            if grant is not None:
                self._clock = self._clock.narrowed(grant.before, grant.database_now, grant.after)
                self._next = pacing.Permits(
                    self._clock.latest(grant.first), pacing.spacing(per_second), grant.count
                )
                self._state.changed.set()

    async def hold_off(self, seconds: float) -> None:
        """The provider asked us to wait: every worker does, by the account's row; this one at
        once. [N-3]
        """
        until = time.monotonic() + seconds
        if until - self._held_until < max(seconds / 2, LEAST_HOLD_OFF_SECONDS):
            return  # another answer of the same moment has done it
        self._held_until = until
        self._current = self._next = pacing.NO_PERMITS
        await self._thread.run(accounts.hold_off, self._setup.provider.name, seconds)
