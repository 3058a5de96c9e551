"""The permits of a sender: blocks of instants at which a request may start, taken ahead from the
account. [N-2, N-3]
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from operations.database.database_thread import DatabaseThread
from waves.sending import accounts, pacing
from waves.sending.run import RunState, SenderSetup

LEAST_HOLD_OFF_SECONDS = 0.02


class PermitSupply:
    """The sender's pace, and the blocks of permits that it is made of. `rows_left` says how many
    rows are left to start, None while that is unknown: the last block is no larger.
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
        self._pace = pacing.Pace(setup.limits.per_second)
        self._given_until = 0.0  # on the database's clock: where the last block ended
        self._clock = pacing.ClockBounds()
        self._held_until = 0.0
        self._wanted = asyncio.Event()

    def wait(self, now: float) -> float | None:
        """Seconds until a request may start: 0 is now, None is not before the next block."""
        seconds = self._pace.wait(now)
        if self._pace.wants_more(now) and self._most_wanted() != 0:
            self._wanted.set()
        return seconds

    def use(self) -> None:
        """A request is about to start."""
        self._pace.use()

    def note_start(self) -> None:
        """One that was about to start does."""
        self._pace.note_start(time.monotonic())

    def _most_wanted(self) -> int | None:
        left = self._rows_left()
        return None if left is None else max(0, left - self._pace.at_hand())

    async def keep_supplied(self) -> None:
        """Take the next block whenever one is wanted, until cancelled."""
        name, per_second = self._setup.provider.name, self._setup.limits.per_second
        self._clock = await self._thread.run(accounts.clock_bounds)
        while True:
            await self._wanted.wait()
            grant = await self._thread.run(
                accounts.take_permits, name, per_second=per_second, wanted=self._most_wanted()
            )
            self._wanted.clear()
            if grant is None:
                continue
            self._clock = self._clock.narrowed(grant.before, grant.database_now, grant.after)
            first = self._clock.latest(grant.first)
            permits = pacing.Permits(first, pacing.spacing(per_second), grant.count)
            follows = abs(grant.first - self._given_until) < pacing.ROUNDING_SECONDS
            self._pace.add(permits, follows=follows)
            self._given_until = grant.first + grant.count * permits.spacing
            self._state.changed.set()

    async def hold_off(self, seconds: float) -> None:
        """The provider asked us to wait: every worker does, by the account's row; this one at
        once. [N-3]
        """
        until = time.monotonic() + seconds
        if until - self._held_until < max(seconds / 2, LEAST_HOLD_OFF_SECONDS):
            return  # another answer of the same moment has done it
        self._held_until = until
        self._pace.hold(until)
        await self._thread.run(accounts.hold_off, self._setup.provider.name, seconds)
