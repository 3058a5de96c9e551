"""Whose rules a top-up follows, and when there can be one. [X-7]"""

from __future__ import annotations

from campaigns.models import Campaign
from waves.choices import WaveKind, WaveState
from waves.errors import NothingToTopUp, WrongState
from waves.models import Wave
from waves.selection.left_out import SENT, require_nobody_was_told


def last_drawn(campaign: Campaign, other_than: Wave | None = None) -> Wave:
    """The wave that selected last, of those that were not cancelled. Raises NothingToTopUp where
    there is none, WrongState where it was not sent yet.
    """
    drawn = campaign.waves.filter(kind=WaveKind.DRAWN, prepared_at__isnull=False)
    if other_than is not None:
        drawn = drawn.exclude(pk=other_than.pk)
    gone = (WaveState.CONFIGURED, WaveState.FAILED, WaveState.CANCELLED)
    found = drawn.exclude(state__in=gone).order_by("-prepared_at", "-id").first()
    if found is None:
        raise NothingToTopUp(
            f"Campaign {campaign.campaign_id} has no wave to top up. Prepare and send one first."
        )
    if found.state not in SENT:
        raise WrongState(
            f"Wave {found.name} is {found.state} and was not sent yet. Send or cancel it before you"
            " top up."
        )
    return found


def base_of_top_up(campaign: Campaign, wave: Wave | None, tops_up: int | None) -> Wave | None:
    """The wave that this one tops up, None where it is no top-up. Raises NothingToTopUp,
    WrongState, FansWereTold.
    """
    if tops_up is None:
        return None
    require_nobody_was_told(campaign)
    base = last_drawn(campaign, other_than=wave)
    if base.pk != tops_up:
        raise WrongState(
            f"Wave {base.name} was selected meanwhile. Top up anew, by the rules of that wave."
        )
    return base
