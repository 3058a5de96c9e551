"""A wave as an operator asks for it: when it goes out in the campaign's own time, which markets, in
which order. [W-1, W-5]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from campaigns.errors import LateRefused
from campaigns.models import Campaign
from console.access import LONGEST_REASON
from console.new_wave.boxes import MarketBoxes
from console.wave_forms import (
    DateKeyField,
    expedite_field,
    notify_date_field,
    usual_notify_date,
)
from console.words import words
from operations.adminkit.wall_clock import use_zone
from operations.errors import BadValue, Refusal
from waves.choices import Order
from waves.errors import (
    AlreadyRunning,
    AttemptsExhausted,
    BadDateKey,
    BadMarketFile,
    BadMinimumScore,
    BadNotifyDate,
    CapacityBelowGiven,
    MarketRefused,
    NaiveDate,
    NotPermitted,
    SelectionNotOpen,
    TooLate,
    UnknownMarket,
    WrongState,
)
from waves.holds import seats_given
from waves.markets import MarketSeat, seats_of_campaign
from waves.models import Wave
from waves.naming import next_date_key
from waves.selection.market_files import markets_of_wave
from waves.selection.plan import market_file_in_bucket
from waves.selection.request import WaveRequest

ORDERS = [(order.value, words(order.value)) for order in Order]
# fields that are shown with a right alone
OFFERED_WITH = {"expedite": "waves.expedite_wave", "reason": "waves.late_wave_rules"}
MARKETS_MOST_BYTES = 1_000_000
# at which field a refusal is shown
FIELDS: Mapping[type[Refusal], str] = {
    AlreadyRunning: "date_key",
    AttemptsExhausted: "date_key",
    BadDateKey: "date_key",
    WrongState: "date_key",
    BadNotifyDate: "notify_date",
    BadValue: "notify_date",
    NaiveDate: "notify_date",
    NotPermitted: "notify_date",
    BadMinimumScore: "min_score",
    UnknownMarket: "single_market",
    BadMarketFile: "markets_file",
    TooLate: "expedite",
    LateRefused: "reason",
}
FIELDS_OF_MARKET: Mapping[type[MarketRefused], str] = {
    CapacityBelowGiven: "capacity",
    SelectionNotOpen: "selection_time",
}


class WaveForm(forms.Form):
    """`request` gives what the waves' own shells take; they judge the rest, and `refuse` shows what
    they refuse. `boxes` are its markets.
    """

    date_key = DateKeyField()
    # what the form proposed: it follows the notify date until somebody changes it
    proposed_key = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)
    notify_date = notify_date_field("Notify date")
    order = forms.ChoiceField(label="Selection order", choices=ORDERS, required=False)
    single_market = forms.ChoiceField(
        label="Single market", required=False, help_text="Only for the order “One market only”"
    )
    min_score = forms.FloatField(
        label="Minimum score",
        min_value=0,
        max_value=1,
        required=False,
        help_text="Used if it is higher than the campaign's",
    )
    reassign = forms.BooleanField(
        label="Also select fans who already hold a code",
        required=False,
        help_text="They keep their code and their market, and use no other seat",
    )
    markets_file = forms.FileField(required=False, allow_empty_file=True)
    expedite = expedite_field("The notify date is less than a day away")
    reason = forms.CharField(
        label="Reason for rules of its own",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Shown on the public page, with the number of fans that these rules move",
    )

    file_problem = ""  # of the markets file in the bucket
    members_digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        campaign: Campaign,
        by: User,
        own: Sequence[MarketSeat],
        seats: Sequence[MarketSeat] = (),
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, initial=dict(initial or {}))
        zone = ZoneInfo(campaign.time_zone)
        self.campaign, self.by, self.own = campaign, by, own
        leave_offered(self, by)
        use_zone(self, zone)
        self.boxes = MarketBoxes(own, zone, data=data, seats=seats)
        named = [(seat.market_id, seat.name) for seat in own]
        self.fields["single_market"].choices = [("", "–"), *named]  # type: ignore[attr-defined]

    def is_valid(self) -> bool:
        return all([super().is_valid(), self.boxes.is_valid()])

    def clean_markets_file(self) -> bytes | None:
        file = self.cleaned_data["markets_file"]
        if file is None:
            return None
        if file.size > MARKETS_MOST_BYTES:
            raise ValidationError(
                "The markets file is larger than 1 MB. Check that you chose the right file."
            )
        return bytes(file.read())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        typed, proposed = cleaned.get("date_key", ""), cleaned.get("proposed_key", "")
        # what is prepared has the name that was previewed
        follows = not typed or (typed == proposed and "prepare" not in self.data)
        if follows and cleaned.get("notify_date") and "date_key" not in self.errors:
            cleaned["date_key"] = proposed_key(self.campaign, cleaned["notify_date"])
            key = dict.fromkeys(("date_key", "proposed_key"), cleaned["date_key"])
            self.data = self._data_with(key)  # what is shown
        if cleaned.get("order") == Order.SINGLE_MARKET and not cleaned.get("single_market"):
            self.add_error("single_market", "Choose the market.")
        return cleaned

    def request(self) -> WaveRequest:
        """Only of a valid form. What is not said here is as the campaign has it, so a markets file
        is written only if it says something, or lies there already.
        """
        cleaned, campaign_id = self.cleaned_data, self.campaign.campaign_id
        order = Order(cleaned["order"]) if cleaned["order"] else Order.BY_PREFERENCE
        lies_there = market_file_in_bucket(campaign_id, cleaned["date_key"]) is not None
        # in a wave that was asked for before, an empty minimum takes its own away
        before = Wave.objects.filter(campaign=self.campaign, date_key=cleaned["date_key"])
        none = 0.0 if before.filter(min_score__isnull=False).exists() else None
        says_nothing = self.boxes.are_the_campaigns() and not lies_there
        return WaveRequest(
            campaign_id,
            cleaned["date_key"],
            notify_date=cleaned["notify_date"],
            market_file=None if says_nothing else self.boxes.content(),
            order=order,
            single_market=cleaned["single_market"] if order == Order.SINGLE_MARKET else None,
            min_score=none if cleaned["min_score"] is None else cleaned["min_score"],
            reassign=cleaned["reassign"],
        )

    def filled_in(self, request: WaveRequest) -> WaveForm:
        """The form as it would be sent with what this request asks for."""
        seats = markets_of_wave(request.market_file, self.own)
        minimum = request.min_score
        return self.sent_with(
            {
                **self.boxes.data_of(seats),
                "date_key": request.date_key,
                "order": str(request.order or ""),
                "single_market": request.single_market or "",
                "reassign": "on" if request.reassign else "",
                "min_score": "" if minimum is None else f"{minimum!r}",
            }
        )

    def sent_with(self, values: Mapping[str, str]) -> WaveForm:
        """The same form as if these values had been sent in place of others."""
        data = self._data_with(values)
        data.pop("prepare", None)
        return WaveForm(data, campaign=self.campaign, by=self.by, own=self.own)

    def _data_with(self, values: Mapping[str, str]) -> QueryDict:
        data = cast("QueryDict", self.data).copy()
        for name, value in values.items():
            data[name] = value
        return data

    def refuse(self, refusal: Refusal) -> None:
        """Show a refusal at the field that it is about, or above all of them."""
        if isinstance(refusal, MarketRefused):
            field = FIELDS_OF_MARKET[type(refusal)]
            self.boxes.refuse(refusal.market_id, field, str(refusal))
            return
        name = FIELDS.get(type(refusal))
        self.add_error(name if name in self.fields else None, str(refusal))


def leave_offered(form: forms.Form, by: User) -> None:
    """A form has no field that its page does not show to this person."""
    for name, right in OFFERED_WITH.items():
        if not by.has_perm(right):
            form.fields.pop(name, None)


def own_seats(campaign: Campaign) -> list[MarketSeat]:
    """The campaign's markets as they are now."""
    return seats_of_campaign(campaign.markets.all(), campaign.code_source, seats_given(campaign.pk))


def proposed_key(campaign: Campaign, notify_date: datetime) -> str:
    """The first free date key of that day, as the campaign's clock has it. [W-1]"""
    day = notify_date.astimezone(ZoneInfo(campaign.time_zone)).date()
    same_day = Wave.objects.filter(campaign=campaign, date_key__startswith=f"{day:%Y%m%d}")
    return next_date_key(day, set(same_day.values_list("date_key", flat=True)))


def new_form(campaign: Campaign, by: User, now: datetime) -> WaveForm:
    """A form with the soonest usual time."""
    there = usual_notify_date(campaign, now)
    key = proposed_key(campaign, there)
    initial = {
        "date_key": key,
        "proposed_key": key,
        "notify_date": there,
        "order": Order.BY_PREFERENCE,
    }
    return _started(campaign, by, initial)


def form_again(wave: Wave, by: User) -> WaveForm:
    """A form filled in as this wave was asked for."""
    names = ("date_key", "notify_date", "order", "single_market", "min_score", "reassign")
    return _started(wave.campaign, by, {name: getattr(wave, name) for name in names})


def _started(campaign: Campaign, by: User, initial: Mapping[str, Any]) -> WaveForm:
    """With the markets of the file that lies in the bucket, or all of the campaign."""
    own, problem = own_seats(campaign), ""
    stored = market_file_in_bucket(campaign.campaign_id, str(initial["date_key"]))
    try:
        seats = markets_of_wave(stored, own)
    except (BadMarketFile, UnknownMarket) as refusal:
        seats, problem = own, str(refusal)
    form = WaveForm(campaign=campaign, by=by, own=own, seats=seats, initial=initial)
    form.file_problem = problem
    return form
