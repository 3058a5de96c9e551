"""Rows for a sender: claimed ahead of the requests, and given back where they were not started in
time. [N-4]
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from datetime import timedelta

from operations.database.database_thread import DatabaseThread
from waves.sending import send_rows
from waves.sending.run import RunState, SenderSetup
from waves.sending.send_rows import Claimed, Row

IDLE_SECONDS = 0.1
MOST_CLAIMED = 1_000


class RowFeed:
    """The claimed rows of one run that are not started yet."""

    def __init__(self, setup: SenderSetup, state: RunState, thread: DatabaseThread) -> None:
        self._setup, self._state, self._thread = setup, state, thread
        # claimed, with the moment after which they are not started
        self._rows: deque[tuple[Row, float]] = deque()
        self._late: list[Row] = []  # not started, because the lease could end during the request
        self._last_claimed = 0
        self._allowed = setup.most  # how many may still be claimed; None: all
        self._caught_up = False

    def has_row(self, now: float) -> bool:
        """Whether a row may be started now; those whose time is over are set aside."""
        while self._rows and self._rows[0][1] < now:
            self._late.append(self._rows.popleft()[0])
            self._state.room.set()
        return bool(self._rows)

    def take(self) -> Row:
        """The next row; ask `has_row` first."""
        self._state.room.set()
        return self._rows.popleft()[0]

    def left(self) -> int | None:
        """How many rows are left to start; None while there are more to claim."""
        return len(self._rows) if self._caught_up else None

    async def keep_feeding(self) -> None:
        """Claim rows until the run is over; end it when nothing is left to send."""
        while not self._state.over:
            self._state.room.clear()
            if self._late:
                late, self._late = self._late, []
                await self._release(late)
            room = self._room()
            if self._allowed is not None:
                room = min(room, self._allowed)
                if not self._allowed and not self._rows:
                    self._state.end("")
            if not room:
                await self._state.room.wait()
                continue
            until = time.monotonic() + self._setup.timing.row_lease - self._setup.timing.timeout
            claimed = await self._thread.run(self._claim, room)
            if self._allowed is not None:
                self._allowed -= len(claimed.rows)
            self._rows.extend((row, until) for row in claimed.rows)
            self._state.changed.set()
            self._caught_up = claimed.looked_at < room
            if not claimed.looked_at:
                await self._wait_or_end()

    async def give_back(self) -> None:
        """Release what was claimed and not started; the run is over."""
        left = self._late + [row for row, _ in self._rows]
        await self._release(left)

    async def _release(self, rows: list[Row]) -> None:
        table = self._setup.messages.table
        await self._thread.run(send_rows.release, self._setup.sender, rows, table=table)

    def _room(self) -> int:
        """How many rows to claim now: a second's worth ahead. But where the provider does not
        honour keys, no more than may be in flight are in `sending` (except recorded outcomes),
        because that many become unknown if this process is killed. [N-4]
        """
        if not self._setup.provider.honours_keys:
            busy = len(self._rows) + self._state.in_flight + self._state.unrecorded
            return max(0, self._state.slots - busy)
        batch = max(10, min(MOST_CLAIMED, self._setup.limits.per_second))
        return batch if len(self._rows) <= batch // 2 else 0

    def _claim(self, limit: int) -> Claimed:
        """The next rows in order of id; after the last one again from the first, for those that
        wait for another try.
        """
        claimed = send_rows.claim(
            self._setup.messages,
            self._setup.sender,
            after=self._last_claimed,
            limit=limit,
            lease=timedelta(seconds=self._setup.timing.row_lease),
            keys_last=self._setup.provider.keys_last,
        )
        self._last_claimed = claimed.last if claimed.looked_at == limit else 0
        return claimed

    async def _wait_or_end(self) -> None:
        """Nothing to claim: take over the rows of dead senders, and end when none is open that may
        be sent soon.
        """
        messages, within = self._setup.messages, timedelta(seconds=self._setup.timing.patience)
        honours_keys = self._setup.provider.honours_keys
        await self._thread.run(send_rows.take_over, messages, honours_keys=honours_keys)
        left = await self._thread.run(send_rows.open_rows, messages, within=within)
        if left.soon:
            await asyncio.sleep(IDLE_SECONDS)
        else:
            self._state.end("")
