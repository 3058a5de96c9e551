"""Every draw that was ever committed, used or not, newest first: so opening many and keeping the
one that pleases is visible. [S-8]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Q, Value
from django.db.models.functions import Coalesce

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, ScoreFile
from waves.models import Wave

PER_PAGE = 50
UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)
# A campaign holds lists and a seed; a stranger's request loads neither.
PUBLIC = (
    *("campaign_id", "name", "artist", "status", "commitment", "salt_commitment"),
    *("draw_supplied", "entropy_source", "opened_at", "closed_at"),
)


@dataclass(frozen=True)
class CommittedDraw:
    """A campaign that was opened, whatever became of it; how many score files it received, and how
    many waves were triggered, those among them that were cancelled too.
    """

    campaign: Campaign
    score_files: int
    waves: int


@dataclass(frozen=True)
class DrawList:
    """One page of the list. `older`: the campaign after which the next page begins, empty on the
    last.
    """

    draws: list[CommittedDraw]
    older: str


def committed_draws(before: str = "") -> DrawList:
    """The draws committed before that of the campaign `before`, or the newest; a few queries
    however many there are.

    Raises Campaign.DoesNotExist if no draw of that name was committed.
    """
    opened = Campaign.objects.exclude(status=CampaignStatus.DRAFT).annotate(
        committed_at=Coalesce("opened_at", Value(UNKNOWN))
    )
    found = opened.only(*PUBLIC).order_by("-committed_at", "-id")
    if before:
        at, pk = opened.values_list("committed_at", "pk").get(campaign_id=before)
        found = found.filter(Q(committed_at__lt=at) | Q(committed_at=at, pk__lt=pk))
    page = list(found[: PER_PAGE + 1])
    shown = page[:PER_PAGE]
    files = _counted(ScoreFile.objects.all(), shown)
    # before its trigger a wave's existence is not public; from then on messages may go out
    waves = _counted(Wave.objects.filter(triggered_at__isnull=False), shown)
    return DrawList(
        [
            CommittedDraw(campaign, files.get(campaign.pk, 0), waves.get(campaign.pk, 0))
            for campaign in shown
        ],
        shown[-1].campaign_id if len(page) > PER_PAGE else "",
    )


def _counted(rows: Any, campaigns: Sequence[Campaign]) -> dict[int, int]:
    keys = [campaign.pk for campaign in campaigns]
    of_each = rows.filter(campaign_id__in=keys).order_by().values("campaign_id")
    return {each["campaign_id"]: each["rows"] for each in of_each.annotate(rows=Count("pk"))}
