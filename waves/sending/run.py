"""What the parts of one sender share: who sends what and how fast, and the counts of the run. [N-2]

All counts are changed in the event loop only.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from waves.choices import Queue, WaveState
from waves.models import Wave
from waves.providers.contract import Provider
from waves.providers.outcomes import LONGEST_PATIENCE_SECONDS
from waves.sending.accounts import Limits
from waves.sending.send_rows import Messages

# no request starts on a check of wave and account that is older than this [N-6]
CHECK_VALID_SECONDS = 1.5
# waves that are to be sent; queued e-mails and failed messages are after completion, too [N-7]
GOING = Q(state=WaveState.TRIGGERED) | Q(state=WaveState.COMPLETED, queue=Queue.RUNNING)


@dataclass(frozen=True)
class Timing:
    """How long a request may take, how often wave and account are checked, after which time claimed
    rows count as those of a dead sender, and how long a run waits for messages that may not be
    tried before (seconds).
    """

    timeout: float = 10.0
    check_every: float = 0.25
    row_lease: float = 60.0
    patience: float = LONGEST_PATIENCE_SECONDS

    @property
    def slot_lease(self) -> float:
        """So long that a dead sender's slots are free only when its last request is over."""
        return CHECK_VALID_SECONDS + self.timeout + 0.5


def wave_stops(wave: Wave) -> str:
    """Why a wave is not to be sent any more; empty while it is. [N-6, X-5]"""
    now = Wave.objects.only("state", "queue", "content_digest").get(pk=wave.pk)
    if why := not_going(now):
        return f"the wave {why}"
    return "" if now.content_digest == wave.content_digest else "the wave's content changed"


def not_going(wave: Wave) -> str:
    """As the end of a sentence, why nothing of the wave is sent in its state; empty where it is.
    [N-6]
    """
    if wave.state == WaveState.COMPLETED and wave.queue != Queue.RUNNING:
        return f"is completed, and its remaining messages are {wave.queue}"
    return "" if wave.state in (WaveState.TRIGGERED, WaveState.COMPLETED) else f"is {wave.state}"


@dataclass(frozen=True)
class SenderSetup:
    """What does not change during a run: whose messages are sent through what, and at most how many
    (`most` None: all). `sender` is the claim in their rows; `stops` says why no more of them is to
    be sent.
    """

    wave: Wave
    messages: Messages
    provider: Provider[Any]
    limits: Limits
    timing: Timing
    most: int | None = None
    sender: uuid.UUID = field(default_factory=uuid.uuid4)
    stops: Callable[[Wave], str] = wave_stops


class Signal(asyncio.Event):
    """Something happened. Who waits for it clears it first and then looks, so that nothing that
    happens after the look is missed.
    """

    async def within(self, seconds: float | None) -> None:
        """Wait for it, but not longer than so many seconds (None: however long)."""
        alarm = None
        if seconds is not None:
            alarm = asyncio.get_running_loop().call_later(seconds, self.set)
        await self.wait()
        if alarm is not None:
            alarm.cancel()


@dataclass
class RunState:
    """`slots`: requests allowed at once; `in_flight`: requests without an answer yet; `unrecorded`:
    answers that are not in the database yet. `changed`: a request may start that could not start
    before; `answered`: there is an outcome to record, or there will be no more; `room`: more rows
    may be claimed.
    """

    slots: int = 0
    in_flight: int = 0
    unrecorded: int = 0
    over: bool = False
    why: str = ""
    changed: Signal = field(default_factory=Signal)
    answered: Signal = field(default_factory=Signal)
    room: Signal = field(default_factory=Signal)

    def end(self, why: str) -> None:
        """Start no more requests; `why` is empty where nothing is left to send."""
        if not self.over:
            self.over, self.why = True, why
            for signal in (self.changed, self.answered, self.room):
                signal.set()
