"""What the verdict queue is told. Pure. [T-4]"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from datalake.queues.messages import Outgoing


def verdict_message(
    campaign_id: str,
    fan: str,
    code: str,
    event_ids: Sequence[str],
    *,
    version: int,
    correlation_id: str,
) -> Outgoing:
    """The message that a fan is selected. Its id follows from campaign, fan, code and version, so
    the same news has the same id whoever sends it, and how often.
    """
    body = {
        "campaignId": campaign_id,
        "globalUserId": fan,
        "verdict": True,
        "code": code,
        "eventIds": sorted(event_ids),
        "correlationId": correlation_id,
    }
    identity = _digest(campaign_id, fan, code.upper())
    return Outgoing(f"{identity}.{version}", body, group=_digest(campaign_id, fan))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
