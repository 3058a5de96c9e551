"""The error budget of a run: more than half of the last attempts failed, so the account is paused.
[N-6]
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from operations.database.database_thread import DatabaseThread
from waves.providers.outcomes import Kind, Outcome
from waves.providers.reasons import reason_in_words
from waves.sending import accounts, pacing, send_rows
from waves.sending.run import RunState, SenderSetup
from waves.sending.send_rows import Row


class ErrorWatch:
    """Counts failed attempts, and ends the run when there are too many. [N-6]"""

    def __init__(self, setup: SenderSetup, state: RunState, account_thread: DatabaseThread) -> None:
        self._setup, self._state, self._account_thread = setup, state, account_thread
        self._budget = pacing.ErrorBudget()
        self._failed: deque[int] = deque(maxlen=pacing.BUDGET_ATTEMPTS)
        self._pausing: asyncio.Future[bool] | None = None

    def note(self, row: Row, outcome: Outcome) -> None:
        """Count an attempt; answers about our pace (429) are not to be noted."""
        now = time.monotonic()
        self._budget.note(now, failed=outcome.kind != Kind.SENT)
        if outcome.kind == Kind.RETRY_LATER:
            self._failed.append(row.id)
        if outcome.kind != Kind.SENT and not self._state.over and self._budget.exhausted(now):
            self._state.end(
                "More than half of the last attempts failed. Last error:"
                f" {reason_in_words(outcome.reason)}"
            )
            name, why = self._setup.provider.name, self._state.why
            self._pausing = self._account_thread.start(accounts.pause, name, why)

    async def paused(self) -> None:
        """Wait until the account is paused, if there were too many. Raises what pausing raised: the
        next run would go on with the same provider.
        """
        if self._pausing is not None:
            await self._pausing

    async def reopen_failed(self, row_thread: DatabaseThread) -> None:
        """What failed recently, only because the provider was down, gets all its tries again; where
        the run ended early.
        """
        if self._state.why:
            await row_thread.run(
                send_rows.back_to_pending, list(self._failed), table=self._setup.messages.table
            )
