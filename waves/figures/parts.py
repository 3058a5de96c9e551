"""What the kept counts of a wave say. Pure. [N-7]

Parts are named `fans/ok`, `sms/waiting`, `email/queued`, `sms/state/failed/http_400` (a state and
its reason), `sms/second/1790000000` (sent in that second).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from waves.choices import Channel, SendState

FANS = ("ok", "failed", "skipped", "unknown", "pending")


@dataclass
class ChannelFigures:
    """Messages of one channel: `waiting` are SMS that are pending or in flight, `in_queue` such
    e-mails, `queued` all e-mails that ever came into the queue. `by_reason`: by state and reason,
    which may be empty; `by_second`: messages sent, by the second of the Unix epoch.
    """

    queued: int = 0
    waiting: int = 0
    in_queue: int = 0
    states: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_second: Counter[int] = field(default_factory=Counter)

    @property
    def all(self) -> int:
        """Of fans without such a contact there is none."""
        return self.states.total() - self.states[SendState.SKIPPED]

    @property
    def skipped_later(self) -> int:
        """Skipped when its turn came, so that it was queued before: its contact is suppressed."""
        return self.by_reason[SendState.SKIPPED, "suppressed"]

    @property
    def open(self) -> int:
        """Not sent yet, and nothing stands against it."""
        return self.waiting + self.in_queue

    @property
    def detail(self) -> dict[str, int]:
        """As N-7 has it, without the queue: `sent` are also those of which a receipt came since."""
        delivered = self.states[SendState.DELIVERED]
        undeliverable = self.states[SendState.UNDELIVERABLE]
        return {
            "sent": self.states[SendState.SENT] + delivered + undeliverable,
            "failed": self.states[SendState.FAILED],
            "delivered": delivered,
            "undeliverable": undeliverable,
        }


@dataclass
class Figures:
    """`fans`: each member once, by FANS; `notified`: who was sent a message, whatever else."""

    fans: Counter[str]
    notified: int
    channels: dict[str, ChannelFigures]

    @property
    def result(self) -> dict[str, Any]:
        """N-7's object."""
        sms, email = self.channels[Channel.SMS], self.channels[Channel.EMAIL]
        return {
            "total": self.fans.total(),
            **{name: self.fans[name] for name in FANS},
            "detail": {"sms": sms.detail, "email": {"queued": email.queued, **email.detail}},
        }


def figures_of(parts: Mapping[str, int]) -> Figures:
    """Kept counts, added up over the blocks of a wave, as figures."""
    fans = Counter({name: parts.get(f"fans/{name}", 0) for name in FANS})
    channels = {str(channel): ChannelFigures() for channel in Channel}
    for part, number in parts.items():
        owner, _, what = part.partition("/")
        if owner in channels:
            _add(channels[owner], what, number)
    return Figures(fans, parts.get("fans/notified", 0), channels)


def _add(channel: ChannelFigures, what: str, number: int) -> None:
    kind, _, rest = what.partition("/")
    if kind == "state":
        state, _, reason = rest.partition("/")
        channel.states[state] += number
        channel.by_reason[state, reason] += number
    elif kind == "second":
        channel.by_second[int(rest)] += number
    else:
        setattr(channel, kind, number)
