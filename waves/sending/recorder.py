"""Outcomes of requests, written to their rows in batches. [N-3]"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from operations.database.database_thread import DatabaseThread
from waves.choices import SendState, SuppressedBy
from waves.providers.outcomes import Kind, Outcome
from waves.providers.reasons import OPTED_OUT
from waves.sending import pacing, send_rows
from waves.sending.pacing import NextState
from waves.sending.run import RunState, SenderSetup
from waves.sending.send_rows import Row
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

RECORD_SECONDS = 0.1


class Recorder:
    """The outcomes of one run that are not in the database yet; `recorded` counts by their state
    those that are, of the messages that are done with.
    """

    def __init__(self, setup: SenderSetup, state: RunState, thread: DatabaseThread) -> None:
        self._setup, self._state, self._thread = setup, state, thread
        self._outcomes: list[tuple[Row, Outcome]] = []
        self.recorded: Counter[str] = Counter()

    def add(self, row: Row, outcome: Outcome) -> None:
        """To be written with the next batch."""
        self._state.unrecorded += 1
        self._outcomes.append((row, outcome))
        self._state.answered.set()

    async def keep_recording(self) -> None:
        """Write batches until the run is over, nothing is in flight and all is written. Where keys
        are not honoured no row is claimed before the outcome of an earlier one is recorded, so
        nothing waits for a batch to grow.
        """
        while not (self._state.over and not self._state.in_flight and not self._outcomes):
            self._state.answered.clear()
            if not self._outcomes:
                await self._state.answered.wait()
                continue
            if self._setup.provider.honours_keys:
                await asyncio.sleep(RECORD_SECONDS)
            batch, self._outcomes = self._outcomes, []
            await self._thread.run(self._write, batch)
            self._state.unrecorded -= len(batch)
            self._state.room.set()

    def _write(self, batch: list[tuple[Row, Outcome]]) -> None:
        sent = [(row, outcome.provider_id) for row, outcome in batch if outcome.kind == Kind.SENT]
        rest = [
            (row, self._next_state(row, outcome))
            for row, outcome in batch
            if outcome.kind != Kind.SENT
        ]
        sender, table = self._setup.sender, self._setup.messages.table
        # before the rows: a worker that is killed between the two leaves no contact out
        suppress(self._opted_out(batch), Ground(SuppressedBy.OPTED_OUT))
        if sent:
            self.recorded[SendState.SENT] += send_rows.record_sent(sender, sent, table=table)
        if rest:
            send_rows.record_rest(sender, rest, table=table)
            self.recorded.update(
                next_state.state for _, next_state in rest if next_state.state != SendState.PENDING
            )

    def _opted_out(self, batch: list[tuple[Row, Outcome]]) -> list[Contact]:
        """Whom the provider sends nothing to, because they told it so. [N-8]"""
        channel = self._setup.messages.channel
        return [Contact(channel, row.contact) for row, found in batch if found.reason == OPTED_OUT]

    def _next_state(self, row: Row, outcome: Outcome) -> NextState:
        return pacing.next_send_state(
            outcome,
            tries=row.attempts - 1,
            maybe_accepted=row.maybe_accepted,
            honours_keys=self._setup.provider.honours_keys,
            chance=random.random(),  # noqa: S311 spreads retries, guards nothing
        )
