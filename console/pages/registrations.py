"""Uploading registrations and their corrected rejected rows, and the results. [C-4]"""

from __future__ import annotations

from datetime import UTC

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import rights, tasks
from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, RegistrationImport
from campaigns.registrations import corrections, imports
from console import slow_counts
from console.access import StaffRequest, action, complaint_of, form_page, page, render
from console.forms import UploadForm
from console.pages.jobs import work_on
from console.pages.uploading import upload_page
from operations.errors import Refusal

REGISTRATIONS_HINT = (
    "CSV or TSV in UTF-8 with a header line. Required columns: global_user_id and"
    " registered_at. Optional columns: member_id, email, phone, phone_confirmed,"
    " country_code, market_preferences (separated by |), date_created."
)


@form_page(*rights.IMPORT_REGISTRATIONS)
def upload_registrations(request: StaffRequest, campaign_id: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    return upload_page(
        request,
        campaign,
        UploadForm,
        lambda form: _receive(request, campaign, form),
        title="Upload registrations",
        hint=REGISTRATIONS_HINT,
    )


@action(*rights.IMPORT_REGISTRATIONS)
def upload_corrections(request: StaffRequest, pk: int) -> HttpResponse:
    """Corrected rejected rows of a file become a file of their own; a worker reads them."""
    original = get_object_or_404(RegistrationImport.objects.select_related("campaign"), pk=pk)
    form = UploadForm(request)
    if form.is_valid():
        try:
            there = _receive(request, original.campaign, form, corrects=original)
            return HttpResponseRedirect(there)
        except Refusal as refusal:
            messages.error(request, str(refusal))
    else:
        messages.error(request, complaint_of(form))
    return HttpResponseRedirect(reverse("registrations", args=[pk]))


def _receive(
    request: StaffRequest,
    campaign: Campaign,
    form: UploadForm,
    *,
    corrects: RegistrationImport | None = None,
) -> str:
    """Take the file, have a worker import it, and return the address of its page."""
    file = form.cleaned_data["file"]
    received = imports.receive(campaign, file.name, file.file, by=request.user, corrects=corrects)
    if imports.has_work_left(received):
        tasks.start_registrations(received, by=request.user)
    else:
        before = f"{received.created_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
        messages.info(request, f"This file was already imported on {before}.")
    return reverse("registrations", args=[received.pk])


@page("campaigns.view_registrationimport")
def registration_import(request: StaffRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(
        RegistrationImport.objects.select_related("campaign", "created_by", "corrects"), pk=pk
    )
    repaired = slow_counts.kept(
        f"repaired-registrations-{pk}", lambda: {pk: corrections.repaired(shown)}
    )[pk]
    is_open = shown.campaign.status == CampaignStatus.OPEN
    work = work_on(request, imports.subject_of(shown))
    title = f"Registration file {shown.name}"
    return render(
        request,
        "console/campaigns/registrations.html",
        title,
        file=shown,
        campaign=shown.campaign,
        made=shown.corrections.order_by("id"),
        repaired=repaired,
        not_repaired=shown.rejected - repaired,
        may_come=bool(shown.rejected_key and shown.rejected and is_open),
        to_be_written=bool(shown.rejected and not shown.rejected_key and is_open),
        **work,
    )
