"""The value of the public source is entered, once, and not before it is public. [S-8]"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from campaigns import named_file
from campaigns.errors import DrawIsLocked, TooEarly
from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from campaigns.opening import require_open, subject_of
from campaigns.public_source import in_words, value_of
from operations import jobs
from operations.database.clock import agreed_time, database_time

AWAITED, ENTERED = "awaiting value", "value entered"


@transaction.atomic
def enter_entropy(campaign_pk: int, value: str, *, by: User | None, how: str = "") -> Campaign:
    """Enter the named source's value, once, before the first draw. `how` says where it came from.
    Raises WrongStatus, DrawIsLocked, TooEarly, BadPublicValue, ClocksDiffer. [S-8]
    """
    campaign = lock_campaign(campaign_pk)
    require_awaited(campaign)
    named_file.settle(campaign)
    campaign.entropy_entered_at = require_public(campaign)
    campaign.entropy_value = value_of(campaign.public_source, value)
    campaign.save(update_fields=["entropy_value", "entropy_entered_at"])
    reason = f"{campaign.entropy_source}, {how}" if how else campaign.entropy_source
    jobs.record_move(subject_of(campaign), AWAITED, ENTERED, by=by, reason=reason)
    return campaign


def require_awaited(campaign: Campaign) -> None:
    """Raises WrongStatus, DrawIsLocked unless the campaign waits for a value."""
    require_open(campaign)
    if not campaign.entropy_source:
        raise DrawIsLocked(
            f"Campaign {campaign.campaign_id} has no public source, so no value can be entered."
        )
    if campaign.entropy_value:
        raise DrawIsLocked(
            f"The value of “{campaign.entropy_source}” was already entered and cannot be changed."
        )


def require_public(campaign: Campaign) -> datetime:
    """The time now, when the value can be known: always, of a rehearsal's source without a time.
    Raises TooEarly, ClocksDiffer.
    """
    if campaign.entropy_public_at is None:
        return database_time()
    now = agreed_time()
    if now < campaign.entropy_public_at:
        raise TooEarly(
            f"The value of “{campaign.entropy_source}” becomes public at"
            f" {in_words(campaign.entropy_public_at)}, and it is {in_words(now)} now. Enter it"
            " then."
        )
    return now
