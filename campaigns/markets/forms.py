"""The markets of a campaign in its form: boxes, times in the campaign's zone, order, deleting.
[C-3, S-16, W-5]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.choices import CampaignStatus
from campaigns.errors import CapacityTooSmall, RuleChangeRefused
from campaigns.markets.order import Place, numbered
from campaigns.markets.uses import cannot_delete
from campaigns.models import Campaign, Market
from campaigns.rule_changes import MARKET_RULES, require_may_change, require_seats
from operations.adminkit.editing import compare_with_the_row
from operations.adminkit.wall_clock import WallClockField, WallClockInput, use_zone
from operations.adminkit.word_lists import WordListField
from operations.entry import wall_clock
from operations.entry.validators import sentence_of
from operations.errors import BadValue

MARKET_FIELDS = (
    *("market_id", "name", "capacity", "selection_time"),
    *("event_ids", "position", "time_zone"),
)
UTC = ZoneInfo("UTC")
LAST_PLACE = 10_000
ZONE_TO_COME = "In the campaign's time zone, which you enter above"


class PositionField(forms.IntegerField):
    """Places count from 1 for people, and from 0 in the table."""

    def prepare_value(self, value: Any) -> Any:
        return value + 1 if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        typed = super().to_python(value)
        if typed is None:
            return None
        if not 1 <= typed <= LAST_PLACE:
            raise ValidationError(f"Enter a whole number from 1 to {LAST_PLACE:,}, or nothing.")
        return typed - 1


class MarketForm(forms.ModelForm):
    event_ids = WordListField(
        longest=80,
        required=False,
        label="Event ids",
        help_text="One per line, or separated by commas",
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )
    position = PositionField(
        required=False,
        label="Position",
        help_text="Empty: after the others",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = Market
        fields = MARKET_FIELDS
        field_classes = {"selection_time": WallClockField}
        widgets = {
            "market_id": UnfoldAdminTextInputWidget,
            "name": UnfoldAdminTextInputWidget,
            "capacity": UnfoldAdminIntegerFieldWidget,
            "selection_time": WallClockInput,
            "time_zone": UnfoldAdminTextInputWidget,
        }
        help_texts = {"market_id": "1 to 40 letters, digits and hyphens"}

    def __init__(
        self,
        *args: Any,
        typed: ZoneInfo = UTC,
        shown: ZoneInfo = UTC,
        named: str = "",
        **kwargs: Any,
    ) -> None:
        """Times are typed and were shown in these zones, `named` beside them. Registrations and
        waves name an open campaign's markets by their ids.
        """
        super().__init__(*args, **kwargs)
        compare_with_the_row(self)
        use_zone(self, typed, shown=shown, named=named)
        if self.instance.pk is None:
            self.initial.pop("position", None)
        elif self.instance.campaign.status != CampaignStatus.DRAFT:
            self.fields["market_id"].disabled = True

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"].strip()
        try:
            return wall_clock.zone_named("", name).key if name else ""
        except BadValue as refusal:
            raise ValidationError(sentence_of(refusal)) from refusal


class MarketFormSet(forms.BaseInlineFormSet):
    """The markets of a campaign that the caller has locked. [S-16, W-5]"""

    default_error_messages = {
        **forms.BaseInlineFormSet.default_error_messages,
        "too_many_forms": "There are too many new markets in the form. Save at most %(num)d"
        " markets.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = Campaign.objects.filter(pk=self.instance.pk).values_list("time_zone", flat=True)
        self.shown = ZoneInfo(stored.first() or self.instance.time_zone)
        self.typed = zone_sent(self.data) or self.shown

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        zones = {"typed": self.typed, "shown": self.shown}
        named = "" if self.instance.pk else ZONE_TO_COME
        return super().get_form_kwargs(index) | zones | {"named": named}

    def get_unique_error_message(self, unique_check: Any) -> str:
        return "Two markets have the same market id. Give each its own."

    def get_form_error(self) -> str:
        return "Another market has this id. Enter a different one."

    def clean(self) -> None:
        super().clean()
        self._require_unused()
        self._require_new_ids()
        if any(self.errors):
            return
        self._number()
        changed = [form for form in self.forms if form.has_changed()]
        if self.instance.status != CampaignStatus.OPEN or not changed:
            return
        if any(
            form.instance.pk is None or set(form.changed_data) & set(MARKET_RULES)
            for form in changed
        ):
            require_reason(self.instance, self.data)
        for form in changed:
            try:
                require_seats(self.instance, [form.instance])
            except CapacityTooSmall as refusal:
                form.add_error("capacity", str(refusal))

    def _require_unused(self) -> None:
        """Raises ValidationError for a market that is to be deleted and cannot be."""
        wanted = [form for form in self.initial_forms if self.data.get(f"{form.prefix}-DELETE")]
        if refusals := [said for form in wanted if (said := cannot_delete(form.instance))]:
            raise ValidationError(refusals)

    def _require_new_ids(self) -> None:
        """A market that the form does not know has its id already: another person added it, or the
        form came back changed.
        """
        known = [form.instance.pk for form in self.initial_forms if form.instance.pk]
        others = Market.objects.filter(campaign=self.instance.pk).exclude(pk__in=known)
        taken = set(others.values_list("market_id", flat=True))
        for form in self.forms:
            if form.instance.pk is None and form.cleaned_data.get("market_id") in taken:
                form.add_error("market_id", self.get_form_error())

    def _number(self) -> None:
        """Places without gaps and doubles, in the order shown. In an open campaign only where a
        place was typed, because each change is listed there. [S-16]
        """
        kept = [
            form
            for form in self.forms
            if form not in self.deleted_forms and (form.instance.pk or form.has_changed())
        ]
        places = [
            Place(form.cleaned_data["position"], form.initial.get("position")) for form in kept
        ]
        is_open = self.instance.status == CampaignStatus.OPEN
        for form, number in zip(kept, numbered(places, keep_gaps=is_open), strict=True):
            form.instance.position = number
            if number != form.initial.get("position") and "position" not in form.changed_data:
                form.changed_data.append("position")


def zone_sent(data: Mapping[str, Any]) -> ZoneInfo | None:
    """The time zone that a campaign's form is sent with; None where there is none, or one that its
    field refuses.
    """
    try:
        return wall_clock.zone_named("time_zone", str(data.get("time_zone", "")).strip())
    except BadValue:
        return None


def require_reason(campaign: Campaign, data: Any) -> None:
    """Raises ValidationError where the rules of an open campaign cannot change now. [S-16]"""
    try:
        require_may_change(campaign, data.get("reason") or "")
    except RuleChangeRefused as refusal:
        raise ValidationError(str(refusal)) from refusal
