"""A wave that follows the others as an operator asks for it: when it is sent, and why at short
notice. Its rules are not for them to choose. [X-7, X-8]
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.models import User

from campaigns.models import Campaign
from console.access import LONGEST_REASON
from console.new_wave.form import leave_offered, proposed_key
from console.wave_forms import DateKeyField, expedite_field, notify_date_field
from operations.adminkit.wall_clock import use_zone


class FollowUpForm(forms.Form):
    """Of a top-up, or of a wave for fans who were not selected."""

    notify_date = notify_date_field("Notify date")
    date_key = DateKeyField()
    expedite = expedite_field()
    reason = forms.CharField(
        label="Reason for rules of its own",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Required if the topped-up wave has rules of its own. Shown on the public page.",
    )
    members_digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, campaign: Campaign, by: User, with_rules: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        if not with_rules:
            del self.fields["reason"]
        leave_offered(self, by)
        use_zone(self, ZoneInfo(campaign.time_zone))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("date_key") == "" and "notify_date" in cleaned:
            cleaned["date_key"] = proposed_key(self.campaign, cleaned["notify_date"])
        return cleaned
