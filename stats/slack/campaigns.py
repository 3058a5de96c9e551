"""The figures of open campaigns that have an artist go to Slack, those that changed since it was
told last. [O-3]
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from campaigns.models import Campaign
from operations.alerts import alert
from operations.database.retries import retried
from stats.models import SlackReport, Snapshot
from stats.slack import words
from stats.snapshots.counting import open_campaigns
from stats.snapshots.save import figures_in


def report(*, now: datetime) -> dict[str, int]:
    """Returns `campaigns`, how many are open; `reported`, `unchanged` and `without_artist`. Of a
    campaign without saved figures nothing is told.
    """
    counts = {"campaigns": 0, "reported": 0, "unchanged": 0, "without_artist": 0}
    for campaign in open_campaigns():
        counts["campaigns"] += 1
        if not campaign.artist:
            counts["without_artist"] += 1
        elif _report(campaign, now):
            counts["reported"] += 1
        else:
            counts["unchanged"] += 1
    return counts


@retried
@transaction.atomic
def _report(campaign: Campaign, now: datetime) -> bool:
    """Whether there was something to tell; a second worker waits here, and finds it told."""
    last = Snapshot.objects.filter(campaign=campaign).order_by("-at").first()
    if last is None:
        return False
    SlackReport.objects.get_or_create(campaign=campaign)
    told = SlackReport.objects.select_for_update().get(campaign=campaign)
    figures = figures_in(last).as_json()
    if figures == told.figures:
        return False
    path = reverse("campaign-statistics", args=[campaign.campaign_id])
    name = f"{campaign.name} ({campaign.campaign_id})"
    link = f"{settings.SITE_URL.rstrip('/')}{path}"
    alert(words.of_campaign(name, campaign.artist, figures, told.figures, link))
    SlackReport.objects.filter(pk=told.pk).update(figures=figures, at=now)
    return True
