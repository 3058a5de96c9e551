"""What was added to a campaign's lists, changed and deleted since it opened, and by whom; not what
the entries say, which may be an address. [S-4, S-16]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from campaigns.choices import CampaignStatus, ListKind
from campaigns.models import Campaign
from campaigns.opening import subject_of
from operations import jobs
from operations.models import StatusChange
from operations.plurals import plural

ADDED, CHANGED, DELETED = "added", "changed", "deleted"


def record(
    campaign: Campaign | None, kind: str, what: str, entries: int = 1, *, by: User | None
) -> None:
    """Write down that entries were added, changed or deleted. Lists of all campaigns and of drafts
    are nobody's history. Call it in the transaction of the change.
    """
    if campaign is None or campaign.status == CampaignStatus.DRAFT or not entries:
        return
    number = plural(entries, "entry", "entries")
    jobs.record_move(subject_of(campaign), kind, what, by=by, reason=number)


def sentence_of(change: StatusChange) -> str | None:
    """`Blacklist: 3 entries added`; None for what is no change of a list."""
    if change.from_state not in ListKind.values:
        return None
    return f"{ListKind(change.from_state).label}: {change.reason} {change.to_state}"
