"""What a provider may answer. [N-3]"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a provider's answer, or its absence, means. [N-3]"""

    SENT = "sent"
    REFUSED = "refused"  # the provider will not take this message
    RETRY_LATER = "retry_later"  # it was not accepted, and may be later
    RATE_LIMITED = "rate_limited"  # likewise, and it was our pace that was at fault
    UNCERTAIN = "uncertain"  # it may have been accepted


@dataclass(frozen=True)
class Outcome:
    """What became of one request. `reason` is a short word for the row, never personal data."""

    kind: Kind
    reason: str = ""
    provider_id: str = ""
    after_seconds: float = 0.0
