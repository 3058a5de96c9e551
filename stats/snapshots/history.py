"""The saved figures of a campaign over time, thinned out for a picture. [O-3]"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from campaigns.models import Campaign
from stats.models import Snapshot

SHOWN: Final = 200
# The last row of each part of the span; the first one of all is where the picture begins.
SPREAD: Final = """
SELECT DISTINCT ON (part) *, floor(extract(epoch FROM until) / %(width)s) AS part
FROM stats_snapshot WHERE campaign_id = %(campaign)s AND until >= %(since)s
ORDER BY part, at DESC
"""


def newest(campaign: Campaign) -> Snapshot | None:
    return Snapshot.objects.filter(campaign=campaign).order_by("-at").first()


def since(campaign: Campaign, first: datetime, last: datetime) -> list[Snapshot]:
    """At most SHOWN rows of what was valid from `first` on, the oldest first."""
    width = max(1.0, (last - first).total_seconds() / (SHOWN - 1))
    asked = {"campaign": campaign.pk, "since": first, "width": width}
    return list(Snapshot.objects.raw(SPREAD, asked))


def beginning(campaign: Campaign) -> datetime | None:
    """Since when there are figures."""
    at: datetime | None = (
        Snapshot.objects.filter(campaign=campaign)
        .order_by("at")
        .values_list("at", flat=True)
        .first()
    )
    return at
