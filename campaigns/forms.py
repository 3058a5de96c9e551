"""Forms of campaigns and lists: what a person may type, checked before the database has to refuse
it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.choices import READ_ONLY, CampaignStatus, ListKind
from campaigns.contacts.emails import EmailRules
from campaigns.errors import CapacityTooSmall, ListEntryInvalid, RuleChangeRefused
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, ListEntry, Market
from campaigns.rule_changes import (
    CAMPAIGN_RULES,
    MARKET_RULES,
    require_may_change,
    require_seats,
)
from operations.adminkit.editing import State, VersionedForm, compare_with_the_row, text_of

MARKET_FIELDS = ("position", "market_id", "name", "capacity", "selection_time", "event_ids")


class CampaignForm(VersionedForm):
    """What a reader saw covers the campaign and its markets. [S-16]"""

    reason = forms.CharField(
        required=False,
        max_length=300,
        label="Reason for changing rules",
        help_text="Required to change eligibility rules, the registration window or markets."
        " It is shown on the public page.",
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = Campaign
        fields = "__all__"
        widgets = {"home_countries": UnfoldAdminTextInputWidget}
        help_texts = {
            "registration_opens": "In UTC",
            "registration_closes": "In UTC",
            "home_countries": "Two-letter country codes, separated by commas",
        }

    def state(self) -> State:
        found = super().state()
        for market in self.instance.markets.all():
            found |= {
                f"{market.pk} {name}": (
                    f"{name.replace('_', ' ')} of market {market.market_id}",
                    text_of(getattr(market, name)),
                )
                for name in MARKET_FIELDS
            }
        return found

    def last_edit(self) -> tuple[str, datetime] | None:
        """A campaign is changed by its form, and by its file."""
        change = self.instance.rule_changes.select_related("by").last()
        by_file = (
            (change.by.get_username() if change.by else "A command", change.at) if change else None
        )
        edits = [edit for edit in (super().last_edit(), by_file) if edit]
        return max(edits, key=lambda edit: edit[1], default=None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.instance.status == CampaignStatus.OPEN and set(self.changed_data) & set(
            CAMPAIGN_RULES
        ):
            _require_may_change(self.instance, self.data)
        return cleaned

    def clean_time_zone(self) -> str:
        name = self.cleaned_data["time_zone"]
        if name not in available_timezones():
            raise ValidationError(
                f"'{name}' is not a time zone. Use a name such as America/New_York."
            )
        return name

    def clean_home_countries(self) -> list[str]:
        countries = [country.strip().upper() for country in self.cleaned_data["home_countries"]]
        if not countries or any(
            len(country) != 2 or not country.isalpha() for country in countries
        ):
            raise ValidationError("Use two-letter codes, such as US, CA.")
        return countries


class MarketForm(forms.ModelForm):
    class Meta:
        model = Market
        fields = MARKET_FIELDS
        widgets = {"event_ids": UnfoldAdminTextInputWidget}
        labels = {"selection_time": "Selection time (UTC)"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Registrations and waves name an open campaign's markets by their ids."""
        super().__init__(*args, **kwargs)
        compare_with_the_row(self)
        if self.instance.pk and self.instance.campaign.status != CampaignStatus.DRAFT:
            self.fields["market_id"].disabled = True


class MarketFormSet(forms.BaseInlineFormSet):
    """The markets of a campaign that the caller has locked. [S-16, W-5]"""

    def clean(self) -> None:
        super().clean()
        changed = [form for form in self.forms if form.has_changed() and form.is_valid()]
        if self.instance.status != CampaignStatus.OPEN or not changed:
            return
        if any(
            form.instance.pk is None or set(form.changed_data) & set(MARKET_RULES)
            for form in changed
        ):
            _require_may_change(self.instance, self.data)
        for form in changed:
            try:
                require_seats(self.instance, [form.instance])
            except CapacityTooSmall as refusal:
                form.add_error("capacity", str(refusal))


def _require_may_change(campaign: Campaign, data: Any) -> None:
    try:
        require_may_change(campaign, data.get("reason") or "")
    except RuleChangeRefused as refusal:
        raise ValidationError(str(refusal)) from refusal


def require_not_closed(campaign: Campaign | None) -> None:
    """Locks the campaign of what is being edited. Raises ValidationError where it is only read.
    [C-2]
    """
    if campaign is not None and lock_campaign(campaign.pk).status in READ_ONLY:
        raise ValidationError(
            f"Campaign {campaign.campaign_id} is closed and can no longer be changed."
        )


class ListEntryForm(VersionedForm):
    class Meta:
        model = ListEntry
        fields = ("campaign", "kind", "pattern", "note")

    def clean(self) -> dict[str, Any]:
        """A line that the rules could not read would fail every upload: it is refused here. [S-1,
        S-4]
        """
        cleaned = super().clean()
        for campaign in (cleaned.get("campaign"), self.instance.campaign):
            require_not_closed(campaign)
        kind, pattern = (
            cleaned.get("kind"),
            (cleaned.get("pattern") or self.instance.pattern).strip().lower(),
        )
        given = {name: [pattern] if kind == name else [] for name in ListKind.values}
        try:
            EmailRules.compile(**given)
        except ListEntryInvalid as refusal:
            raise ValidationError(str(refusal)) from refusal
        cleaned["pattern"] = pattern
        return cleaned
