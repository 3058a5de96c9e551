"""What a provider may answer at once, and post later (an `Event`). [N-3, N-8]"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from waves.choices import SendState

LONGEST_PATIENCE_SECONDS: Final = 300.0


class Kind(StrEnum):
    """What a provider's answer, or its absence, means. [N-3]"""

    SENT = "sent"
    REFUSED = "refused"  # the provider will not take this message
    RETRY_LATER = "retry_later"  # it was not accepted, and may be later
    RATE_LIMITED = "rate_limited"  # likewise, because we sent too fast
    UNCERTAIN = "uncertain"  # it may have been accepted
    UNDELIVERABLE = "undeliverable"  # it was accepted, and not delivered


@dataclass(frozen=True)
class Outcome:
    """The outcome of one request. `reason` is a short word for the row, never personal data."""

    kind: Kind
    reason: str = ""
    provider_id: str = ""
    after_seconds: float = 0.0


class Objection(StrEnum):
    """Why the contact of a message is not to be written to again. [N-8]"""

    HARD_BOUNCE = "hard_bounce"  # there is no such address or number
    COMPLAINT = "complaint"  # the fan reported the message as spam
    UNSUBSCRIBED = "unsubscribed"  # the fan wants no more messages
    OPTED_OUT = "opted_out"  # the fan said so to the provider, which sends nothing more


class Receipt(NamedTuple):
    """What became of an accepted message: our key, DELIVERED, UNDELIVERABLE or, where the provider
    only says that it sent it on, SENT; the provider's own id, for UNDELIVERABLE a short word for
    why, and what the fan or the network objects to. An objection may come with either state: a
    complaint is about a message that was delivered.
    """

    key: uuid.UUID
    state: SendState
    provider_id: str
    reason: str = ""
    objection: Objection | None = None


class InboundText(NamedTuple):
    """An SMS that came from `number` (E.164), which may be an opt-out. `is_stop`: the provider
    itself takes it for one, and sends nothing more to the number. [N-8]
    """

    number: str
    text: str
    provider_id: str
    is_stop: bool = False


class Ignored(NamedTuple):
    """An event that says nothing about a delivery, such as `opened`."""

    what: str
    reference: str = ""


class Refused(NamedTuple):
    """An event that cannot be read, and why, in one sentence. The others of its body are taken."""

    why: str
    reference: str = ""


Event = Receipt | InboundText | Ignored | Refused


class Health(NamedTuple):
    """Whether a provider answers as it should, asked without sending anything; `detail` is a short
    clause, such as `refuses the token (HTTP 401)`. [X-6]
    """

    is_well: bool
    detail: str


def patience_seconds(retry_after: str, default: float) -> float:
    """Retry-After as seconds; a date, which providers do not use, counts as the default."""
    try:
        given = float(retry_after)
    except ValueError:
        return default
    return min(max(given, 0.0), LONGEST_PATIENCE_SECONDS) if given == given else default
