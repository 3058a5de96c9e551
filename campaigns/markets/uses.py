"""What uses a market, and why it cannot be deleted. [C-3, S-16]"""

from __future__ import annotations

from campaigns import later_steps
from campaigns.choices import CampaignStatus
from campaigns.models import Market, Registrant
from operations.plurals import plural


def cannot_delete(market: Market) -> str:
    """Why this market stays, and what to do instead, in one sentence; empty where it can go. The
    caller has locked its campaign.
    """
    users = used_by(market)
    is_open = market.campaign.status == CampaignStatus.OPEN
    if not users and not is_open:
        return ""
    why = f"it is used by {_listed(users)}" if users else "the campaign is open"
    instead = (
        "To select nobody more for it, set its capacity to the seats that are given"
        if is_open
        else "Delete those first"
    )
    return f"Market {market.market_id} cannot be deleted because {why}. {instead}."


def used_by(market: Market) -> list[str]:
    """What names the market, in words with numbers: `12 registrants`, `wave tour_20260120`."""
    wanted_by = Registrant.objects.filter(
        campaign=market.campaign_id, preferences__contains=[market.market_id]
    ).count()
    registrants = [plural(wanted_by, "registrant")] if wanted_by else []
    return [*later_steps.market_users(market.pk), *registrants]


def _listed(users: list[str]) -> str:
    *first, last = users
    return f"{', '.join(first)} and {last}" if first else last
