"""What people type on the pages: files, reasons, a fan to look for, a wave to come."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from campaigns.models import Campaign
from console.access import LONGEST_REASON
from console.uploads import NOT_KEPT, TOO_LARGE
from demand.choices import DemandType
from demand.models import LONGEST_REFERENCE
from operations.adminkit.wall_clock import WallClockField, use_zone
from waves.codes.imports import LONGEST_ORIGIN
from waves.codes.partner_answers import LONGEST_CODE

MOST_REPAIRED = 1_000  # a batch


class ReasonForm(forms.Form):
    """A reason that others will read later."""

    reason = forms.CharField(label="Reason", max_length=LONGEST_REASON, min_length=5, strip=True)


class UploadForm(forms.Form):
    file = forms.FileField(label="File", allow_empty_file=True, max_length=200)

    def __init__(self, request: Any) -> None:
        # reading these is what lets the upload find out
        super().__init__(request.POST, request.FILES)
        self.too_large = getattr(request, TOO_LARGE, False)
        self.not_kept = getattr(request, NOT_KEPT, "")

    def clean(self) -> dict[str, Any] | None:
        if self.too_large:
            self.errors.pop("file", None)
            raise ValidationError(
                f"The file is larger than {settings.UPLOAD_MAX_BYTES:,} bytes, which is the"
                " limit. Split it and upload the parts."
            )
        if self.not_kept:
            self.errors.pop("file", None)
            raise ValidationError(
                f"The web server could not store the file ({self.not_kept}). Nothing was saved."
                " Try again later."
            )
        return super().clean()


class LateForm(UploadForm):
    """An upload that may be late: then it needs a reason. [S-8]"""

    reason = forms.CharField(label="Reason", max_length=LONGEST_REASON, required=False)


class ScoresForm(LateForm):
    activate = forms.BooleanField(
        label="Make this the active file when processing finishes", required=False
    )
    then = forms.ChoiceField(
        choices=[("process", "Process the file"), ("try", "Dry run")], required=False
    )


class RanksForm(ScoresForm):
    fanlist = forms.CharField(label="Fan list", max_length=40)


class CodesForm(UploadForm):
    """A file of codes, who made them, and the market of rows that name none. [K-1]"""

    source = forms.CharField(label="Source", max_length=LONGEST_ORIGIN)
    market = forms.CharField(label="Market", max_length=40, required=False)


class FindCodeForm(ReasonForm):
    """A code to look for, whatever its case. [X-10]"""

    code = forms.CharField(label="Access code", max_length=LONGEST_CODE)
    field_order = ("code", "reason")


class FindSuppressedForm(ReasonForm):
    """A contact to look for on the suppression list. [N-8]"""

    contact = forms.CharField(
        label="E-mail or phone",
        max_length=254,
        help_text="Phone numbers begin with + and the country code",
    )
    field_order = ("contact", "reason")


class SuppressForm(ReasonForm):
    """A contact that is to get no messages, of one campaign or of all. [N-8]"""

    contact = forms.CharField(label="E-mail or phone", max_length=254)
    campaign = forms.ModelChoiceField(Campaign.objects.all(), label="Campaign", required=False)


class SuppressFileForm(UploadForm):
    """A file of such contacts. [N-8]"""

    campaign = forms.ModelChoiceField(Campaign.objects.all(), label="Campaign", required=False)
    reason = forms.CharField(label="Reason", max_length=LONGEST_REASON, min_length=5)


class FindWaitingForm(ReasonForm):
    """A fan to look for on a waiting list. [W-5]"""

    fan = forms.CharField(
        label="Fan id, e-mail, phone or member id",
        max_length=254,
        help_text="The complete value",
    )
    field_order = ("fan", "reason")


class EntropyForm(forms.Form):
    value = forms.CharField(label="Value, exactly as published", max_length=10_000)


class MoveSourceForm(ReasonForm):
    """Another public source for an open campaign, and why. [S-8]"""

    source = forms.CharField(
        label="New public source", max_length=200, help_text="Such as drand round 9551234"
    )
    form = forms.CharField(
        label="Form of its value",
        max_length=200,
        required=False,
        help_text="Leave this empty for a drand round",
    )
    public_at = WallClockField(
        label="Becomes public at",
        required=False,
        help_text="Leave this empty for a drand round",
    )
    field_order = ("source", "form", "public_at", "reason")

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        use_zone(self, ZoneInfo(campaign.time_zone))


class DemandFindForm(forms.Form):
    """Exact and by indexed columns only; what is given has to fit together."""

    fan = forms.CharField(label="Fan id", required=False, max_length=LONGEST_REFERENCE)
    event = forms.CharField(label="Event id", required=False, max_length=LONGEST_REFERENCE)
    sale = forms.CharField(label="Sale id", required=False, max_length=LONGEST_REFERENCE)
    reference = forms.CharField(
        label="Reference",
        required=False,
        max_length=LONGEST_REFERENCE,
        help_text="As in the archive, for example event_sale_fan",
    )
    record_type = forms.ChoiceField(
        label="Type", required=False, choices=[("", "any"), *DemandType.choices]
    )
    reason = forms.CharField(label="Reason", max_length=LONGEST_REASON, min_length=5)
    after = forms.IntegerField(
        required=False, widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(name) for name in ("fan", "event", "sale", "reference")):
            raise ValidationError("Enter a fan id, an event id, a sale id or a reference.")
        return cleaned


class RepairForm(ReasonForm):
    """Repaired events, one JSON object a line."""

    events = forms.CharField(
        label="Change events, one per line",
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
    )

    def clean_events(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["events"].split("\n") if line.strip()]
        if len(lines) > MOST_REPAIRED:
            raise ValidationError(
                f"You entered {len(lines):,} lines. Replay at most {MOST_REPAIRED:,} lines, or"
                " upload them as a file."
            )
        return lines


class FindForm(forms.Form):
    """Exact and by indexed columns only: what names a fan, in one campaign or in all; or a code."""

    campaign = forms.ModelChoiceField(
        Campaign.objects.all(), required=False, empty_label="All campaigns"
    )
    fan = forms.CharField(
        label="Fan id, e-mail, phone or member id",
        required=False,
        max_length=254,
        help_text="The complete value. Score files are searched only in a chosen campaign.",
    )
    code = forms.CharField(label="Access code", required=False, max_length=64)
    reason = forms.CharField(label="Reason", max_length=LONGEST_REASON, min_length=5)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("fan")) == bool(cleaned.get("code")) and not self.errors:
            raise ValidationError("Enter what names the fan, or an access code.")
        return cleaned


class ResendForm(ReasonForm):
    """A fan's code sent again by support, to a contact that may be corrected. [X-12]"""

    campaign = forms.ModelChoiceField(Campaign.objects.all(), to_field_name="campaign_id")
    fan = forms.CharField(max_length=254)
    request = forms.UUIDField()
    email = forms.CharField(label="E-mail", required=False, max_length=254)
    phone = forms.CharField(label="Phone", required=False, max_length=40)


class FindMessagesForm(FindForm):
    """A fan whose messages are looked for in one wave."""

    campaign = None  # type: ignore[assignment]  # so Django leaves a field out
    fan = forms.CharField(
        label="Fan id, e-mail, phone or member id",
        required=False,
        max_length=254,
        help_text="The complete value",
    )
