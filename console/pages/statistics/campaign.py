"""The figures of a campaign now and over time. [O-3]"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.safestring import SafeString

from campaigns.draw import BANDS
from campaigns.models import Campaign
from console.access import StaffRequest, page, render
from console.charts import over_time
from console.charts.over_time import Reading
from console.words import words
from stats import rights
from stats.models import Snapshot
from stats.snapshots import history

SPANS = {"1": "24 hours", "7": "7 days", "30": "30 days", "all": "All"}
MESSAGES = {
    "sent": "Sent",
    "delivered": "Delivered",
    "failed": "Failed",
}
CODES = {"assigned": "Assigned", "reserved": "Reserved", "free": "Free"}
# (title, name → words, what of a row is drawn)
CHARTS: tuple[tuple[str, Mapping[str, str], Callable[[Snapshot], Mapping[str, int]]], ...] = (
    (
        "Registrations",
        {"registered": "Registered", "confirmed": "Phone confirmed"},
        lambda row: {"registered": row.registered, "confirmed": row.confirmed},
    ),
    (
        "Accepted by band",
        {band.name: words(band.name) for band in BANDS},
        lambda row: row.bands,
    ),
    ("Access codes", CODES, lambda row: row.codes),
    ("SMS", MESSAGES, lambda row: row.messages.get("sms", {})),
    ("E-mails", {"queued": "Queued", **MESSAGES}, lambda row: row.messages.get("email", {})),
)


@page(*rights.SEE)
def campaign_statistics(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """`days` names the span that is drawn, up to what was saved last: 1, 7, 30 or all."""
    campaign = get_object_or_404(Campaign.objects.defer("seed", "salt"), campaign_id=campaign_id)
    days = request.GET.get("days", "")
    days = days if days in SPANS else "7"
    newest = history.newest(campaign)
    last = newest.until if newest else timezone.now()
    first = history.beginning(campaign) if days == "all" else last - timedelta(days=int(days))
    saved = history.since(campaign, first, last) if first else []
    return render(
        request,
        "console/statistics/campaign.html",
        f"Statistics of {campaign.name}",
        campaign=campaign,
        newest=newest,
        kept_days=settings.STATISTICS_DAYS,
        markets=_markets(campaign, newest) if newest else [],
        charts=[
            (title, _chart(number, title, names, of, saved))
            for number, (title, names, of) in enumerate(CHARTS)
        ],
        spans=[(key, text, key == days) for key, text in SPANS.items()],
    )


def _chart(
    number: int,
    title: str,
    names: Mapping[str, str],
    of: Callable[[Snapshot], Mapping[str, int]],
    saved: list[Snapshot],
) -> SafeString:
    readings = [Reading(row.at, row.until, of(row)) for row in saved]
    return over_time.lines(names, readings, ident=f"chart-{number}", title=title)


def _markets(campaign: Campaign, newest: Snapshot) -> list[dict[str, Any]]:
    return [
        {
            "market": market,
            "wanted": newest.wanted.get(market.market_id, 0),
            "selected": newest.selected.get(market.market_id, 0),
        }
        for market in campaign.markets.all()
    ]
