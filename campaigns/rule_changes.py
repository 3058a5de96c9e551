"""Every change of an open campaign's options is listed. Rules cannot move under a draw: the options
that judge rows or select fans change only with a reason, never while a wave is being prepared, and
never below the seats given. [S-16, W-5]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User

from campaigns.choices import CampaignStatus
from campaigns.errors import CapacityTooSmall, RuleChangeRefused
from campaigns.later_steps import seats_given
from campaigns.locks import no_wave_selects
from campaigns.models import Campaign, Market, RuleChange
from operations.adminkit.editing import text_of
from operations.database.clock import database_time

CAMPAIGN_RULES: Mapping[str, str] = {
    "min_score": "minimum score",
    "max_fans_per_contact": "most fans per contact",
    "home_countries": "home countries",
    "allow_intl_phones": "international phones allowed",
    "require_confirmed_phone": "confirmed phone required",
    "scoring_type": "scoring type",
    "registration_opens": "registration opens",
    "registration_closes": "registration closes",
}
MARKET_RULES: Mapping[str, str] = {
    "capacity": "capacity",
    "selection_time": "selection time",
    "position": "position",
}
# What judges no row and selects no fan: listed too, and not public.
OTHER_CAMPAIGN_OPTIONS: Mapping[str, str] = {
    "name": "name",
    "artist": "artist",
    "category_id": "category id",
    "product_id": "product id",
    "source": "source",
    "time_zone": "time zone",
    "code_source": "code source",
    "code_prefix": "code prefix",
    "code_length": "code length",
    "notify_channels": "notify channels",
    "default_language": "default language",
    "quiet_hours": "quiet hours",
    "soft_start": "soft start",
}
OTHER_MARKET_OPTIONS: Mapping[str, str] = {
    "name": "name",
    "event_ids": "event ids",
    "time_zone": "time zone",
}
JUDGING = {*CAMPAIGN_RULES.values(), *MARKET_RULES.values()}
NOTHING = text_of("")  # also what a market that is not there has
# (market id, empty for the campaign's own; the option in words) → its value as text
Options = Mapping[tuple[str, str], str]


def options_of(campaign_pk: int) -> Options:
    """The campaign's options as they are in the database now."""
    campaign = Campaign.objects.get(pk=campaign_pk)
    found = {
        ("", words): text_of(getattr(campaign, name))
        for name, words in {**CAMPAIGN_RULES, **OTHER_CAMPAIGN_OPTIONS}.items()
    }
    for market in Market.objects.filter(campaign=campaign_pk):
        found |= {
            (market.market_id, words): market_text(market, name)
            for name, words in {**MARKET_RULES, **OTHER_MARKET_OPTIONS}.items()
        }
    return found


def market_text(market: Market, name: str) -> str:
    """A market's field as people read it: places count from 1, and from 0 in the table."""
    value = getattr(market, name)
    return text_of(value + 1 if name == "position" else value)


def record(campaign: Campaign, before: Options, *, by: User | None, reason: str) -> None:
    """Compare the options of a campaign, locked by the caller, with what they were, and list what
    changed. Raises RuleChangeRefused, CapacityTooSmall; then the transaction must end. [S-16]

    A draft's options move freely: nothing is drawn by them yet.
    """
    after = options_of(campaign.pk)
    changed = [
        key for key in {**before, **after} if before.get(key, NOTHING) != after.get(key, NOTHING)
    ]
    if campaign.status == CampaignStatus.DRAFT or not changed:
        return
    if any(option in JUDGING for _, option in changed):
        require_may_change(campaign, reason)
        require_seats(campaign, campaign.markets.all())
    at = database_time()
    RuleChange.objects.bulk_create(
        RuleChange(
            campaign=campaign,
            market_id=market_id,
            option=option,
            judges=option in JUDGING,
            before=before.get((market_id, option), ""),
            after=after.get((market_id, option), ""),
            reason=reason.strip(),
            by=by,
            at=at,
        )
        for market_id, option in changed
    )


def require_may_change(campaign: Campaign, reason: str) -> None:
    """Raises RuleChangeRefused unless the rules of this open campaign may change now. [S-16]"""
    if not reason.strip():
        raise RuleChangeRefused(
            f"Campaign {campaign.campaign_id} is open. Enter a reason for changing its rules; it is"
            " shown on the public page."
        )
    if not no_wave_selects(campaign.pk):
        raise RuleChangeRefused(
            f"A wave of campaign {campaign.campaign_id} is being prepared. Change the rules when it"
            " is prepared."
        )


def require_seats(campaign: Campaign, markets: Iterable[Market]) -> None:
    """Raises CapacityTooSmall where a market, as it would be saved, has fewer seats than are
    given. [W-5]
    """
    given = seats_given(campaign.pk)
    for market in markets:
        if market.capacity < (taken := given.get(market.pk, 0)):
            raise CapacityTooSmall(
                f"Market {market.market_id}: {taken:,} seats are given already, so its capacity"
                f" cannot be {market.capacity:,}."
            )
