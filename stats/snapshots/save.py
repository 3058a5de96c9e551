"""The figures of every open campaign are saved as one row for each instant, and old rows are
thinned out. [O-3]
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import OperationalError, transaction

from campaigns.models import Campaign
from operations.database.locks import lock_in_transaction
from operations.database.statements import run
from stats.models import Snapshot
from stats.snapshots import counting
from stats.snapshots.figures import Figures, instant_of

# The last row of each day stays.
THIN_OUT: Final = """
DELETE FROM stats_snapshot AS older USING stats_snapshot AS newer
WHERE older.until < %(before)s AND newer.campaign_id = older.campaign_id
    AND newer.at > older.at
    AND newer.at < (date_trunc('day', older.at, 'UTC') + interval '1 day')
"""


def save_open(*, now: datetime) -> dict[str, int]:
    """Returns `campaigns`, how many are open; `saved`, how many have new figures; and `unchanged`,
    of how many the last row lasts longer.

    Raises the OperationalError of a campaign, such as a count that took too long, when all others
    are saved.
    """
    at, saved, errors = instant_of(now), 0, []
    counting.add_up()
    campaigns = counting.open_campaigns()
    for campaign in campaigns:
        try:
            saved += store(campaign, counting.figures_of(campaign, at=at), at=at)
        except OperationalError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return {"campaigns": len(campaigns), "saved": saved, "unchanged": len(campaigns) - saved}


@transaction.atomic
def store(campaign: Campaign, figures: Figures, *, at: datetime) -> bool:
    """True if the figures are others than those of the last row. Figures of one instant replace
    each other; what comes later than newer ones is dropped.
    """
    lock_in_transaction(f"statistics:{campaign.pk}")
    found = figures.as_json()
    last = Snapshot.objects.filter(campaign=campaign).order_by("-at").first()
    if last is None:
        Snapshot.objects.create(campaign=campaign, at=at, until=at, **found)
        return True
    if last.until > at:
        return False
    mine = Snapshot.objects.filter(pk=last.pk)
    if figures_in(last) == figures:
        mine.update(until=at)
        return False
    if last.at == at:
        mine.update(**found)
        return True
    Snapshot.objects.create(campaign=campaign, at=at, until=at, **found)
    return True


def figures_in(snapshot: Snapshot) -> Figures:
    """The figures of a row."""
    return Figures(**{each.name: getattr(snapshot, each.name) for each in fields(Figures)})


def thin_out(*, now: datetime) -> int:
    """Of days older than STATISTICS_DAYS only the last row stays. Returns how many went."""
    before = instant_of(now) - timedelta(days=settings.STATISTICS_DAYS)
    return run(THIN_OUT, before=before)
