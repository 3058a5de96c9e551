"""What the parts of one sender share: who sends what and how fast, and the counts of the run. [N-2]

All counts are changed in the event loop only.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from waves.choices import WaveState
from waves.models import Wave
from waves.providers.contract import Provider
from waves.providers.outcomes import LONGEST_PATIENCE_SECONDS
from waves.sending.accounts import Limits
from waves.sending.send_rows import Messages

# no request starts on a check of wave and account that is older than this [N-6]
CHECK_VALID_SECONDS = 1.5
# failed ones are sent again after completion [N-7]
SENDING_STATES = (WaveState.TRIGGERED, WaveState.COMPLETED)


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
    state, digest = Wave.objects.values_list("state", "content_digest").get(pk=wave.pk)
    if state not in SENDING_STATES:
        return f"the wave is {state}"
    return "" if digest == wave.content_digest else "the wave's content changed"


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


@dataclass
class RunState:
    """`slots`: requests allowed at once; `in_flight`: requests without an answer yet; `unrecorded`:
    answers that are not in the database yet. `changed` is set whenever a request may start that
    could not start before.
    """

    slots: int = 0
    in_flight: int = 0
    unrecorded: int = 0
    over: bool = False
    why: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, why: str) -> None:
        """Start no more requests; `why` is empty where nothing is left to send."""
        if not self.over:
            self.over, self.why = True, why
            self.changed.set()
