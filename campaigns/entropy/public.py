"""What the public sees of a campaign's source of randomness. [S-8, S-10]"""

from __future__ import annotations

from typing import Any

from campaigns.models import Campaign, SourceMove
from campaigns.public_source import PublicSource
from operations.instants import iso


def public_source(campaign: Campaign) -> dict[str, Any] | None:
    """The part `entropy` of the public page: None where no source was named. Times are ISO 8601 in
    UTC; what does not apply, or is not known yet, is None.
    """
    if not campaign.entropy_source:
        return None
    move = SourceMove.objects.filter(campaign=campaign).first()
    return _named(campaign.public_source) | {
        "value": campaign.entropy_value or None,
        "entered_at": iso(campaign.entropy_entered_at),
        "moved": move and {"at": iso(move.at), "reason": move.reason} | _named(move.before),
    }


def _named(source: PublicSource) -> dict[str, Any]:
    return {
        "source": source.name,
        "chain": source.chain or None,
        "round": source.round,
        "form": source.form or None,
        "public_at": iso(source.public_at),
    }
