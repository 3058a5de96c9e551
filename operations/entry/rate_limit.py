"""How often one client may ask for what anybody may see, counted in this process: one stranger
cannot keep it busy.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 10_000


class RateLimit:
    """Each client may ask `burst` times at once, and `per_second` times a second on average. Of
    more than MOST_CLIENTS clients those that have been away longest are forgotten.
    """

    def __init__(
        self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause, self._burst, self._clock = 1 / per_second, burst, clock
        self._lock = threading.Lock()
        # client → when its burst would be whole again
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def wait_seconds(self, client: str) -> float:
        """0 if the client may ask now, which counts; else how long it has to wait."""
        now = self._clock()
        with self._lock:
            whole_at = max(now, self._whole_at.get(client, now)) + self._pause
            wait = whole_at - now - self._burst * self._pause
            if wait > 0:
                return wait
            self._whole_at[client] = whole_at
            self._whole_at.move_to_end(client)
            if len(self._whole_at) > MOST_CLIENTS:
                self._whole_at.popitem(last=False)
        return 0.0

    def forget(self) -> None:
        """Nobody has asked yet."""
        with self._lock:
            self._whole_at.clear()
