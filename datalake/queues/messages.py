"""What goes into a queue, and what comes out of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outgoing:
    """A message to put: `id` names it for good (at most 128 letters, digits and punctuation
    marks), `body` is JSON. On a FIFO queue those of one `group` keep their order.
    """

    id: str
    body: Mapping[str, Any]
    group: str = ""

    @property
    def text(self) -> str:
        return json.dumps(self.body, separators=(",", ":"))


@dataclass(frozen=True)
class Message:
    """A message that was received: its id (empty where another service sent it without one), its
    body as it is, how often it was received, and the handle it is acknowledged by.
    """

    id: str
    body: str
    receives: int
    handle: str
