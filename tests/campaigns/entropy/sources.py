"""Open campaigns whose public source is still to come, and clocks that have reached its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from campaigns.models import Campaign
from campaigns.opening import open_campaign
from tests.support.campaigns import make_campaign

ROUND = "drand round 99551234"
LOTTERY = {
    "entropy_source": "Mega Millions",
    "entropy_form": "numbers, ascending",
    "entropy_public_at": datetime.fromisoformat("2090-01-20T23:00:00Z"),
}


def waiting(**options: Any) -> Campaign:
    """Opened with a draw of its own, waits for a round of the year 2115 unless told otherwise."""
    options = options or {"entropy_source": ROUND}
    return open_campaign(make_campaign(opened=False, **options).pk, by=None)


def time_reached(monkeypatch: Any, module: Any, campaign: Campaign) -> datetime:
    """The clock that this module asks says that the value has just become public."""
    at = campaign.entropy_public_at + timedelta(seconds=1)
    monkeypatch.setattr(module, "agreed_time", lambda: at)
    return at
