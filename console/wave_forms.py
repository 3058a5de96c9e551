"""A wave as an operator asks for it: date key, when it goes out in the campaign's own time, which
markets, in which order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from campaigns.models import Campaign
from console.access import LONGEST_REASON
from console.words import words
from operations.adminkit.wall_clock import WallClockField, use_zone
from operations.entry.values import NOTIFY_YEARS
from waves.choices import Order
from waves.errors import BadDateKey
from waves.models import Wave
from waves.naming import checked_date_key
from waves.selection.plan import WaveRequest

ORDERS = [(order.value, words(order.value)) for order in Order]
MARKETS_MOST_BYTES = 1_000_000
MARKETS_HELP = (
    "marketId,marketName,capacity,selectionTime[,codeSource]. If empty, the wave"
    " has all markets of the campaign."
)


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


class WaveForm(forms.Form):
    """`request_of` gives what the waves' own shells take; they judge the rest."""

    date_key = forms.CharField(
        max_length=20, help_text="YYYYMMDD, or YYYYMMDD-2 for a second wave on the same day"
    )
    notify_date = notify_date_field("Notify date")
    order = forms.ChoiceField(label="Selection order", choices=ORDERS, required=False)
    single_market = forms.CharField(
        label="Single market",
        max_length=40,
        required=False,
        help_text="Only for the order “One market only”",
    )
    min_score = forms.FloatField(
        label="Minimum score",
        min_value=0,
        max_value=1,
        required=False,
        help_text="Used if it is higher than the campaign's",
    )
    markets_file = forms.FileField(required=False, allow_empty_file=True)
    markets = forms.CharField(
        label="Markets of this wave",
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=MARKETS_HELP,
        strip=False,
    )
    expedite = forms.CharField(
        label="Reason for short notice",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Required if the notify date is less than a day away",
    )

    reason = forms.CharField(
        label="Reason for rules of its own",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Required for a minimum score, an order, a single market or selection times of"
        " its own, and for markets left out. Shown on the public page.",
    )

    members_digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        use_zone(self, ZoneInfo(campaign.time_zone))

    def clean_date_key(self) -> str:
        try:
            return checked_date_key(self.cleaned_data["date_key"].strip())
        except BadDateKey as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file = cleaned.get("markets_file")
        if file is not None:
            cleaned["markets"] = self._text_of(file)
        return cleaned

    def _text_of(self, file: Any) -> str:
        if file.size > MARKETS_MOST_BYTES:
            raise ValidationError(
                {
                    "markets_file": (
                        "The markets file is larger than 1 MB. Check that you chose the right file."
                    )
                }
            )
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise ValidationError(
                {"markets_file": "The file is not UTF-8 text. Save it as CSV in UTF-8."}
            ) from error

    def request_of(self) -> WaveRequest:
        markets = self.cleaned_data["markets"]
        return WaveRequest(
            self.campaign.campaign_id,
            self.cleaned_data["date_key"],
            notify_date=self.cleaned_data["notify_date"],
            market_file=markets.replace("\r\n", "\n").encode() if markets.strip() else None,
            order=Order(self.cleaned_data["order"]) if self.cleaned_data["order"] else None,
            single_market=self.cleaned_data["single_market"] or None,
            min_score=self.cleaned_data["min_score"],
        )

    @classmethod
    def again(cls, wave: Wave) -> WaveForm:
        """A form filled in as this wave was asked for; its markets file stands in the bucket and is
        used again.
        """
        names = ("date_key", "notify_date", "order", "single_market", "min_score")
        initial = {name: getattr(wave, name) for name in names}
        return cls(initial=initial, campaign=wave.campaign)

    @classmethod
    def start(cls, campaign: Campaign, now: datetime) -> WaveForm:
        """An empty form with the soonest usual time: the day after tomorrow at ten, where the
        campaign lives.
        """
        there = (now.astimezone(ZoneInfo(campaign.time_zone)) + timedelta(days=2)).replace(
            hour=10, minute=0, second=0, microsecond=0
        )
        initial = {
            "date_key": f"{there:%Y%m%d}",
            "notify_date": there,
            "order": Order.BY_PREFERENCE,
        }
        return cls(initial=initial, campaign=campaign)
