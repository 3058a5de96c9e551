"""A list of fans is uploaded as a wave, with its config from the form or as a file. [W-3]"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from campaigns.late_changes import is_late
from campaigns.models import Campaign
from console.access import LONGEST_REASON, StaffRequest, complaint_of, form_page, render
from console.forms import UploadForm
from console.new_wave.form import proposed_key
from console.wave_forms import (
    DateKeyField,
    expedite_field,
    notify_date_field,
    usual_notify_date,
)
from operations.adminkit.wall_clock import use_zone
from operations.errors import Refusal
from waves import rights, tasks
from waves.errors import BadWaveConfig
from waves.uploads.config import ALLOW_INTL, LONGEST, MOST_BYTES, WaveConfig, config_of, read_config
from waves.uploads.submission import Submitted

HINT = (
    "CSV in UTF-8 with a header line. Required columns: globalUserId and marketId. Also used:"
    " memberId, email, phone and code. Other columns are ignored."
)
OF_THE_CONFIG = ("notify_date", "product_id", "source")  # needed where no config file is chosen


class WaveUploadForm(UploadForm):
    """The list, its config as boxes or as a file, and why it is not drawn."""

    date_key = DateKeyField(
        required=True, help_text="YYYYMMDD, or YYYYMMDD-2 for a second wave on the same day"
    )
    config_file = forms.FileField(required=False, allow_empty_file=True, max_length=200)
    notify_date = notify_date_field("Notify date")
    product_id = forms.CharField(label="Product id", max_length=LONGEST, required=False)
    source = forms.CharField(label="Source", max_length=LONGEST, required=False)
    category_id = forms.CharField(label="Category id", max_length=LONGEST, required=False)
    generate = forms.BooleanField(label="Make a code for each row without one", required=False)
    allow_intl = forms.BooleanField(label="Allow international phone numbers", required=False)
    reason = forms.CharField(
        label="Why are these fans not drawn?",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Shown on the public page",
    )
    expedite = expedite_field()

    def __init__(self, request: Any, *, campaign: Campaign) -> None:
        super().__init__(request)
        self.campaign = campaign
        self.fields["notify_date"].required = False
        use_zone(self, ZoneInfo(campaign.time_zone))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not cleaned.get("config_file"):
            for name in OF_THE_CONFIG:
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, "Fill this in, or choose a config file.")
        return cleaned

    def config(self) -> WaveConfig:
        """Raises BadWaveConfig."""
        cleaned = self.cleaned_data
        if cleaned["config_file"]:
            config = read_config(cleaned["config_file"].read(MOST_BYTES + 1))
            if config.campaign_id != self.campaign.campaign_id:
                raise BadWaveConfig(
                    f"The config is for campaign {config.campaign_id}, but this page is for"
                    f" {self.campaign.campaign_id}."
                )
            return config
        document = {
            "campaignId": self.campaign.campaign_id,
            "notifyDate": cleaned["notify_date"].isoformat(),
            "productId": cleaned["product_id"],
            "source": cleaned["source"],
            "categoryId": cleaned["category_id"],
            "generateOfferCode": cleaned["generate"],
            "options": {ALLOW_INTL: True} if cleaned["allow_intl"] else {},
        }
        return config_of(document)


@form_page(*rights.UPLOAD)
def upload_wave(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """Show the form, or have the shell store the list and a worker take it in."""
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    form = WaveUploadForm(request, campaign=campaign)
    if request.method != "POST":
        form.is_bound, form.initial = False, _first_values(campaign, timezone.now())
        if "again" in request.GET:
            form.initial["date_key"] = request.GET["again"]
    elif form.is_valid():
        try:
            return HttpResponseRedirect(_submit(request, form))
        except Refusal as refusal:
            messages.error(request, str(refusal))
    else:
        messages.error(request, complaint_of(form))
    return render(
        request,
        "console/waves/upload.html",
        "Upload a wave",
        campaign=campaign,
        form=form,
        hint=HINT,
        late=is_late(campaign),
    )


def _submit(request: StaffRequest, form: WaveUploadForm) -> str:
    """Where to go once the list is stored. Raises what `submission.submit` raises."""
    file, cleaned = form.cleaned_data["file"], form.cleaned_data
    submitted = Submitted(
        form.config(),
        file.file,
        cleaned["date_key"],
        reason=cleaned["reason"],
        expedite=cleaned["expedite"],
    )
    tasks.start_upload(submitted, by=request.user)
    messages.success(request, "The list was uploaded. Its rows are being checked.")
    return reverse("wave", args=[submitted.name])


def _first_values(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """The soonest usual time, and what the campaign has."""
    there = usual_notify_date(campaign, now)
    return {
        "date_key": proposed_key(campaign, there),
        "notify_date": there,
        "product_id": campaign.product_id,
        "source": campaign.source,
        "category_id": campaign.category_id,
        "generate": True,
    }
