"""Forms of campaigns and lists: what a person may type, checked before the database has to refuse
it.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.choices import ListKind
from campaigns.contacts.emails import EmailRules
from campaigns.errors import ListEntryInvalid
from campaigns.models import Campaign, ListEntry, Market


class CampaignForm(forms.ModelForm):
    class Meta:
        model = Campaign
        fields = "__all__"
        widgets = {"home_countries": UnfoldAdminTextInputWidget}
        help_texts = {
            "registration_opens": "In UTC",
            "registration_closes": "In UTC",
            "home_countries": "Two-letter country codes, separated by commas",
        }

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
        fields = ("position", "market_id", "name", "capacity", "selection_time", "event_ids")
        widgets = {"event_ids": UnfoldAdminTextInputWidget}
        labels = {"selection_time": "Selection time (UTC)"}


class ListEntryForm(forms.ModelForm):
    class Meta:
        model = ListEntry
        fields = ("campaign", "kind", "pattern", "note")

    def clean(self) -> dict[str, Any]:
        """A line that the rules could not read would fail every upload: it is refused here. [S-1,
        S-4]
        """
        cleaned = super().clean() or {}
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
