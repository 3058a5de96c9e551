"""What a provider may answer, at once and later in a receipt. [N-3]"""

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


@dataclass(frozen=True)
class Outcome:
    """The outcome of one request. `reason` is a short word for the row, never personal data."""

    kind: Kind
    reason: str = ""
    provider_id: str = ""
    after_seconds: float = 0.0


class Receipt(NamedTuple):
    """What the provider says later about an accepted message: our key, DELIVERED or UNDELIVERABLE,
    and the provider's own id.
    """

    key: uuid.UUID
    state: SendState
    provider_id: str


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
