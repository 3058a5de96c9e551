"""A wave as an operator asks for it: date key, when it goes out in the campaign's own time, which
markets, in which order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from campaigns.models import Campaign
from console.access import LONGEST_REASON
from console.words import words
from operations.entry.validators import notify_year_is_allowed
from waves.choices import Order
from waves.errors import BadDateKey
from waves.models import Wave
from waves.naming import checked_date_key
from waves.selection.plan import WaveRequest

CLOCK = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
ORDERS = [(order.value, words(order.value)) for order in Order]
MARKETS_MOST_BYTES = 1_000_000
MARKETS_HELP = (
    "marketId,marketName,capacity,selectionTime[,codeSource]. If empty, the wave"
    " has all markets of the campaign."
)


class NotifyDateForm(forms.Form):
    """A new notify date for a wave, and why."""

    notify_date = forms.DateTimeField(
        label="New notify date",
        input_formats=CLOCK,
        widget=forms.DateTimeInput({"type": "datetime-local"}),
    )
    reason = forms.CharField(label="Reason", max_length=200)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(campaign.time_zone)
        self.fields["notify_date"].help_text = f"In {campaign.time_zone} time"

    def clean_notify_date(self) -> datetime:
        """As `WaveForm.clean_notify_date`."""
        return _instant(self.cleaned_data["notify_date"], self.zone)


class WaveForm(forms.Form):
    """`request_of` gives what the waves' own shells take; they judge the rest."""

    date_key = forms.CharField(
        max_length=20, help_text="YYYYMMDD, or YYYYMMDD-2 for a second wave on the same day"
    )
    notify_date = forms.DateTimeField(
        label="Notify date",
        input_formats=CLOCK,
        widget=forms.DateTimeInput({"type": "datetime-local"}),
    )
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

    members_digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.zone = ZoneInfo(campaign.time_zone)
        self.fields["notify_date"].help_text = f"In {campaign.time_zone} time"

    def clean_date_key(self) -> str:
        try:
            return checked_date_key(self.cleaned_data["date_key"].strip())
        except BadDateKey as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean_notify_date(self) -> datetime:
        """The campaign's wall clock, as an instant; a time that its clock shows never or twice is
        refused.
        """
        return _instant(self.cleaned_data["notify_date"], self.zone)

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
        there = wave.notify_date.astimezone(ZoneInfo(wave.campaign.time_zone))
        names = ("date_key", "order", "single_market", "min_score")
        initial = {name: getattr(wave, name) for name in names} | {
            "notify_date": f"{there:%Y-%m-%dT%H:%M}"
        }
        return cls(initial=initial, campaign=wave.campaign)

    @classmethod
    def start(cls, campaign: Campaign, now: datetime) -> WaveForm:
        """An empty form with the soonest usual time: the day after tomorrow at ten, where the
        campaign lives.
        """
        there = (now.astimezone(ZoneInfo(campaign.time_zone)) + timedelta(days=2)).replace(
            hour=10, minute=0
        )
        initial = {
            "date_key": f"{there:%Y%m%d}",
            "notify_date": f"{there:%Y-%m-%dT%H:%M}",
            "order": Order.BY_PREFERENCE,
        }
        return cls(initial=initial, campaign=campaign)


def _instant(entered: datetime, zone: ZoneInfo) -> datetime:
    """The wall clock of a zone as an instant. Raises ValidationError for a time that the clock
    shows never or twice.
    """
    local = entered.replace(tzinfo=None)
    # before any zone is asked: at either end of the calendar there is no UTC
    notify_year_is_allowed(local.replace(tzinfo=UTC))
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise ValidationError(
            "The clocks change at that time in this time zone. Choose a different time."
        )
    return first.astimezone(ZoneInfo("UTC"))
