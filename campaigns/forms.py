"""Forms of campaigns and lists: what a person may type, checked before the database has to refuse
it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.choices import READ_ONLY, CampaignStatus, LateKind, ListKind
from campaigns.contacts.emails import EmailRules
from campaigns.contacts.phones import is_known_region
from campaigns.errors import BadPublicSource, LateRefused, ListEntryInvalid
from campaigns.late_changes import open_campaigns, permit, require_in_time_right
from campaigns.locks import lock_campaign
from campaigns.markets.forms import MARKET_FIELDS, ZONE_TO_COME, require_reason, zone_sent
from campaigns.models import Campaign, ListEntry
from campaigns.public_source import source_named
from campaigns.rule_changes import CAMPAIGN_RULES, market_text
from operations.adminkit.editing import State, VersionedForm
from operations.adminkit.wall_clock import WallClockField, WallClockInput, use_zone
from operations.adminkit.word_lists import WordListField
from operations.entry import wall_clock
from operations.entry.languages import language
from operations.entry.validators import sentence_of
from operations.errors import BadValue

TIMES = ("registration_opens", "registration_closes", "entropy_public_at")


class CampaignForm(VersionedForm):
    """What a reader saw covers the campaign and its markets. [S-16]"""

    home_countries = WordListField(
        longest=60,
        between=", ",
        help_text="Two-letter codes, such as US, CA",
        widget=UnfoldAdminTextInputWidget,
    )
    reason = forms.CharField(
        required=False,
        max_length=300,
        label="Reason for the changes",
        help_text="Required to change eligibility rules, the registration window, or a market's"
        " capacity, selection time or position. These changes are shown with the reason on the"
        " public page.",
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = Campaign
        fields = "__all__"
        field_classes = dict.fromkeys(TIMES, WallClockField)
        widgets = dict.fromkeys(TIMES, WallClockInput)
        labels = {
            "min_score": "Minimum score",
            "max_fans_per_contact": "Most fans per contact",
            "entropy_source": "Public source",
            "entropy_form": "Form of its value",
            "entropy_public_at": "Becomes public at",
        }
        help_texts = {
            "campaign_id": "1 to 40 letters, digits and hyphens. It cannot be changed later.",
            "time_zone": "Such as America/New_York. All times on this page are in this zone. If you"
            " change it, they stay as typed and become times of the new zone.",
            "min_score": "From 0 to 1",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Times are typed as the clocks of the zone show them that this form is sent with."""
        super().__init__(*args, **kwargs)
        shown = ZoneInfo(self.instance.time_zone)
        typed, named = zone_sent(self.data) or shown, "" if self.instance.pk else ZONE_TO_COME
        use_zone(self, typed, shown=shown, named=named)

    def state(self) -> State:
        found = super().state()
        for market in self.instance.markets.all():
            found |= {
                f"{market.pk} {name}": (
                    f"{name.replace('_', ' ')} of market {market.market_id}",
                    market_text(market, name),
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
            try:
                require_reason(self.instance, self.data)
            except ValidationError as refusal:
                self.add_error("reason", refusal)
        if "entropy_source" in cleaned:  # of a draft
            self._judge_source(cleaned)
        return cleaned

    def _judge_source(self, cleaned: dict[str, Any]) -> None:
        """What cannot be read is refused here, not when the campaign opens. [S-8]"""
        try:
            source_named(
                cleaned["entropy_source"],
                form=cleaned.get("entropy_form", ""),
                public_at=cleaned.get("entropy_public_at"),
            )
        except BadPublicSource as refusal:
            self.add_error("entropy_source", str(refusal))

    def clean_default_language(self) -> str:
        try:
            return language("default_language", self.cleaned_data["default_language"])
        except BadValue as refusal:
            raise ValidationError(sentence_of(refusal)) from refusal

    def clean_time_zone(self) -> str:
        try:
            return wall_clock.zone_named("", self.cleaned_data["time_zone"].strip()).key
        except BadValue as refusal:
            raise ValidationError(sentence_of(refusal)) from refusal

    def clean_home_countries(self) -> list[str]:
        countries = [
            code.upper() for word in self.cleaned_data["home_countries"] for code in word.split()
        ]
        if not all(len(code) == 2 and code.isascii() and code.isalpha() for code in countries):
            raise ValidationError("Use two-letter codes, such as US, CA.")
        if unknown := [code for code in countries if not is_known_region(code)]:
            raise ValidationError(
                f"{', '.join(unknown)} is not a country with phone numbers. Use two-letter codes,"
                " such as US, CA."
            )
        return countries


def require_not_closed(campaign: Campaign | None) -> None:
    """Locks the campaign of what is being edited. Raises ValidationError where it is only read.
    [C-2]
    """
    if campaign is not None and lock_campaign(campaign.pk).status in READ_ONLY:
        raise ValidationError(
            f"Campaign {campaign.campaign_id} is closed and can no longer be changed."
        )


class ListEntryForm(VersionedForm):
    """`by`: who edits; set by the page."""

    by: User | None = None
    reason = forms.CharField(
        required=False,
        max_length=300,
        label="Reason",
        help_text="Required after luck could be known. It is shown on the public page.",
        widget=UnfoldAdminTextInputWidget,
    )

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
        if not self.errors and "pattern" not in self.fields:
            self._require_new(cleaned)
        if not self.errors and set(self.changed_data) & {"campaign", "kind", "pattern"}:
            self._require_permitted(cleaned)
        return cleaned

    def _require_new(self, cleaned: dict[str, Any]) -> None:
        """On the list that it moves to. A pattern that is masked is no field of the form, for which
        the constraint is not asked.
        """
        there = {name: cleaned[name] for name in ("campaign", "kind", "pattern")}
        if ListEntry.objects.filter(**there).exclude(pk=self.instance.pk).exists():
            raise ValidationError(
                "This pattern is on that list already. Delete this entry instead."
            )

    def _require_permitted(self, cleaned: dict[str, Any]) -> None:
        """A late change needs a right and a reason. [S-8]"""
        was = [self.instance.campaign] if self.instance.pk else []
        of = [cleaned.get("campaign"), *was]
        if any(each is None or each.status != CampaignStatus.OPEN for each in of):
            try:
                require_in_time_right(LateKind.LISTS, "This change of a list", by=self.by)
            except LateRefused as refusal:
                self.add_error("campaign", str(refusal))
                return
        for campaign in open_campaigns(of):
            try:
                permit(
                    campaign,
                    LateKind.LISTS,
                    "This change of a list",
                    by=self.by,
                    reason=cleaned.get("reason") or "",
                )
            except LateRefused as refusal:
                self.add_error("reason", str(refusal))
                return
