"""What forms of waves ask for: the notify date in the campaign's own time, the date key, and why at
short notice. [K-2, W-1, W-4]
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from campaigns.models import Campaign
from console.access import LONGEST_REASON
from operations.adminkit.wall_clock import WallClockField, use_zone
from operations.entry.values import MOST_WHOLE, NOTIFY_YEARS
from waves.errors import BadDateKey
from waves.naming import checked_date_key


def notify_date_field(label: str) -> WallClockField:
    """When a wave is sent, by the clock of its campaign. [K-2]"""
    clock = forms.DateTimeInput({"type": "datetime-local"})
    return WallClockField(label=label, years=NOTIFY_YEARS, widget=clock)


def usual_notify_date(campaign: Campaign, now: datetime) -> datetime:
    """The soonest usual time: the day after tomorrow at ten, where the campaign is."""
    there = now.astimezone(ZoneInfo(campaign.time_zone)) + timedelta(days=2)
    return there.replace(hour=10, minute=0, second=0, microsecond=0)


class DateKeyField(forms.CharField):
    """A date key, or nothing where the form makes one of the notify date. [W-1]"""

    def __init__(
        self,
        *,
        required: bool = False,
        help_text: str = (
            "Part of the wave's name. If empty, the first free key of the notify date's day."
        ),
    ) -> None:
        super().__init__(label="Date key", max_length=20, required=required, help_text=help_text)

    def clean(self, value: Any) -> str:
        typed = str(super().clean(value))
        try:
            return checked_date_key(typed) if typed else ""
        except BadDateKey as refusal:
            raise ValidationError(str(refusal)) from refusal


def expedite_field(
    help_text: str = "Required if the notify date is less than a day away",
) -> forms.CharField:
    """Why a wave is prepared at short notice. [W-4]"""
    return forms.CharField(
        label="Reason for short notice",
        max_length=LONGEST_REASON,
        required=False,
        help_text=help_text,
    )


class NotifyDateForm(forms.Form):
    """A new notify date for a wave, and why."""

    notify_date = notify_date_field("New notify date")
    reason = forms.CharField(label="Reason", max_length=200)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        use_zone(self, ZoneInfo(campaign.time_zone))


class SoftStartForm(forms.Form):
    """How many fans of a wave are notified first, and why. [N-9]"""

    fans = forms.IntegerField(
        label="Fans who are notified first",
        min_value=0,
        max_value=MOST_WHOLE,
        required=False,
        help_text="0 notifies all fans at once. If empty, the campaign's number applies",
        widget=forms.NumberInput({"min": 0, "inputmode": "numeric"}),
    )
    reason = forms.CharField(label="Reason", max_length=200)
