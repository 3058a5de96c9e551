"""When a wave is sent, in the campaign's own time. [K-2]"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from campaigns.models import Campaign
from operations.adminkit.wall_clock import WallClockField, use_zone
from operations.entry.values import NOTIFY_YEARS


def notify_date_field(label: str) -> WallClockField:
    """When a wave is sent, by the clock of its campaign. [K-2]"""
    clock = forms.DateTimeInput({"type": "datetime-local"})
    return WallClockField(label=label, years=NOTIFY_YEARS, widget=clock)


class NotifyDateForm(forms.Form):
    """A new notify date for a wave, and why."""

    notify_date = notify_date_field("New notify date")
    reason = forms.CharField(label="Reason", max_length=200)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        use_zone(self, ZoneInfo(campaign.time_zone))
